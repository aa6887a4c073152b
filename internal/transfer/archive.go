package transfer

import (
	"context"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/registry"
)

// Inventory is what a registry on the other side of an air gap has, so that an
// export can leave it out. Import and TakeInventory make one.
type Inventory struct {
	Registry string                   `json:"registry"` // for people
	Blobs    map[string]InventoryBlob `json:"blobs"`    // by digest
}

// InventoryBlob says where a blob is.
type InventoryBlob struct {
	Size       int64  `json:"size"`
	Repository string `json:"repository"` // without the registry
}

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
	Path       string        // of the archive
	TargetJobs int           // as in Options
	DryRun     bool          // verify, and say what would be done
	Progress   func(Progress)
	Done       func(EntryResult)
}

// ArchiveResult is what an export wrote or an import found.
type ArchiveResult struct {
	Result
	Path    string  `json:"path"`
	Digest  v1.Hash `json:"digest"`  // of the archive's index.json: names all it holds
	Size    int64   `json:"size"`    // of the archive, bytes
	LeftOut int     `json:"leftOut"` // blobs that the other side must have
}

// Export writes entries to one OCI image layout in a tar file, the same bytes
// for the same entries. Every digest is verified while it is written.
// Of an entry only the repository and the tags of its target count, and its
// registry is not asked. An error of any entry leaves no file.
func Export(ctx context.Context, entries []Entry, o ExportOptions) (ArchiveResult, error) {
	panic("not yet")
}

// Import copies an archive of Export to a registry. It verifies every digest and
// that nothing is missing before it sends anything: an archive that is
// truncated, altered, or left out what this registry does not have moves no tag.
func Import(ctx context.Context, o ImportOptions) (ArchiveResult, error) {
	panic("not yet")
}

// TakeInventory lists the blobs below the targets' tags, as they are in the
// target's registry now. A tag that is not there is no error: it has nothing.
// It gets manifests, which counts as pulls where a registry counts.
func TakeInventory(ctx context.Context, entries []Entry, target *registry.Client) (*Inventory, error) {
	panic("not yet")
}

// ReadInventory reads a file that Write wrote.
func ReadInventory(path string) (*Inventory, error) { panic("not yet") }

// Write writes the inventory to a file.
func (i *Inventory) Write(path string) error { panic("not yet") }
