package transfer

import (
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/registry"
)

// An archive is an OCI image layout
// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md) in a
// tar file. Its index.json has, in this order:
//   - for each tag of each entry a descriptor with refName: repository:tag
//   - for each referrer a descriptor with inRepository, and for each of Cosign's
//     tags one with refName
//   - one of type leftOutType, if the archive relies on what the other side has
const (
	refName      = "org.opencontainers.image.ref.name"
	inRepository = "dev.pave.transfer.repository"
	fromSource   = "dev.pave.transfer.source" // the reference that was approved

	leftOutType types.MediaType = "application/vnd.pave.transfer.left-out.v1+json" // an Inventory
)

// ExportOptions say what goes into an archive. Source and Path are needed.
type ExportOptions struct {
	Source        *registry.Client
	Path          string     // of the archive; an earlier file stays until the new one is whole
	Referrers     Referrers  // ReferrersOnCopy and ReferrersAlways are the same here
	ForeignLayers bool       // as in Options
	Have          *Inventory // what the other side has; its blobs are left out. nil: nothing
	SourceJobs    int        // as in Options
	Progress      func(Progress)
	Done          func(EntryResult)
}

// ImportOptions say where an archive goes. Target, Registry and Path are needed.
type ImportOptions struct {
	Target     *registry.Client
	Registry   name.Registry // takes the place of the entries' registry; repositories and tags stay
	Under      string        // project that goes before the entries' repositories; empty: as they are
	Path       string        // of the archive
	Digest     v1.Hash       // ArchiveResult.Digest of the export, if it is known by another way; another is refused
	TargetJobs int           // as in Options
	DryRun     bool          // verify, and say what would be done
	Progress   func(Progress)
	Done       func(EntryResult)
}

// ArchiveResult is what an export wrote or an import found.
type ArchiveResult struct {
	Result
	Path    string  `json:"path"`
	Digest  v1.Hash `json:"archiveDigest"` // of the archive's index.json, which names all it holds
	Size    int64   `json:"size"`          // of the archive, bytes
	LeftOut int     `json:"leftOut"`       // blobs that the other side must have

	// Inventory is what an import knows to be at the target now: what it brought
	// and what it found. Add it to what is known from before. Nil for an export.
	Inventory *Inventory `json:"-"`
}
