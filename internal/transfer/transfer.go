// Package transfer copies artefacts from any registries to one: images with
// their platforms, charts, databases, what refers to them.
//
// It promises that a tag at the target is the last thing that is written: where
// one stands with the right digest, everything below it is there and whole.
// So a run that was killed anywhere is finished by running it again, which sends
// only what is missing, and a run with nothing to do asks the target once for
// each tag and the sources not at all.
//
// The protocol is https://github.com/opencontainers/distribution-spec; what a
// registry does not offer (mounts, resuming, the referrers API) is done without.
package transfer

import (
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/registry"
)

// Entry is one artefact and where it shall be.
type Entry struct {
	Name   string      // what results and errors call it; empty: the target with its first tag
	Source name.Digest // what was approved: an index, an image or any other artefact

	// Platforms chooses from an index; empty takes all, byte for byte. A choice
	// gives a new index of the chosen ones, with a digest of its own that
	// depends on nothing but Source and Platforms (EntryResult.Digest). An image
	// without an index must be for one of them. What has no platform at all, as
	// a chart, is copied whatever is chosen.
	Platforms []v1.Platform

	// Known is the EntryResult.Digest of an earlier run with this Source and
	// these Platforms. It spares a chosen index a request to its source where
	// there is nothing to do. The zero value is always right.
	Known v1.Hash

	Target name.Repository // all entries of a run have one registry
	Tags   []string        // at least one; a digest in place of a tag brings it untagged
}

// Referrers says what is carried along with a copy: what refers to it through
// its subject (https://github.com/opencontainers/distribution-spec, "Listing
// Referrers", or the tag that stands in for it), and Cosign's legacy tags
// sha256-….sig, .att and .sbom.
type Referrers string

const (
	// ReferrersNone carries nothing along.
	ReferrersNone Referrers = ""
	// ReferrersOnCopy carries along what is there when the artefact is copied.
	// It asks for nothing where the target's tag is right already.
	ReferrersOnCopy Referrers = "on-copy"
	// ReferrersAlways also looks for newer ones of what the target has, which
	// takes a few requests for each entry to its source.
	ReferrersAlways Referrers = "always"
)

// Options say how to copy. Source and Target are needed.
type Options struct {
	Source *registry.Client // reaches the sources
	Target *registry.Client // reaches the target; may be Source

	Referrers Referrers

	// Sparse pushes the whole index, with its digest, where Platforms chooses
	// from it and the target accepts an index whose other images are missing. A
	// target that does not gets the new index, as without Sparse.
	Sparse bool

	// ForeignLayers copies layers that are not distributable where their
	// registry serves them. Without it they stay where their URLs say.
	ForeignLayers bool

	SourceJobs int // layers read at a time from each source registry; 0 is 6
	TargetJobs int // layers sent at a time to the target; 0 is 8

	// DryRun reads and compares but sends nothing. Status says what would be
	// done, and Bytes how much would be sent at most: mounts are not tried.
	DryRun bool

	// Progress is told what has happened, a few times a second while there is
	// something to copy and once at the end, never by two goroutines at a time.
	// May be nil.
	Progress func(Progress)
	// Done is told of each entry as it ends, never by two goroutines at a time.
	// May be nil.
	Done func(EntryResult)
}

// Progress is how far a run has come. The total grows while entries are being
// looked at; but for referrers it is final once Known equals Entries.
type Progress struct {
	Entries int // in this run
	Known   int // looked at: what they need is in Total
	Done    int // finished, well or not

	Bytes int64         // sent to the target
	Total int64         // to send, as far as known
	Rate  float64       // bytes per second over the last seconds
	Left  time.Duration // at that rate; 0 where it cannot be said
}

// Status is what became of an entry.
type Status string

const (
	// Present says that all tags were right, and nothing was sent.
	Present Status = "present"
	// Copied says that something was sent, and all tags are right now.
	Copied Status = "copied"
	// WouldCopy is Copied of a dry run.
	WouldCopy Status = "would-copy"
	// Failed says that no tag was moved, or not all of them; Error says why.
	Failed Status = "failed"
)

// EntryResult is what was done for one entry.
type EntryResult struct {
	Name      string             `json:"name"`
	Source    string             `json:"source"` // registry/repository@digest, as approved
	Target    string             `json:"target"` // registry/repository
	Tags      []string           `json:"tags"`
	Digest    v1.Hash            `json:"digest"` // what the tags stand for now; differs from the approved one where platforms were chosen
	Status    Status             `json:"status"`
	Referrers int                `json:"referrers,omitempty"` // signatures, attestations, SBOMs … that were sent
	Bytes     int64              `json:"bytes,omitempty"`     // sent for it; shared layers count where they were sent
	Moved     map[string]v1.Hash `json:"moved,omitempty"`     // tags that stood for something else before, and for what
	Error     string             `json:"error,omitempty"`
	Err       error              `json:"-"`
}

// Result is what a run did.
type Result struct {
	Entries   []EntryResult `json:"entries"` // in the order they were given
	Copied    int           `json:"copied"`
	Present   int           `json:"present"`
	Failed    int           `json:"failed"`
	Blobs     Blobs         `json:"blobs"`
	Manifests int           `json:"manifests"` // sent, indexes and tags included
	Bytes     int64         `json:"bytes"`     // of blobs, sent to the target
	Requests  Requests      `json:"requests"`
	Seconds   float64       `json:"seconds"`
}

// Blobs counts distinct blobs in each repository of the target.
type Blobs struct {
	Sent    int `json:"sent"`
	Mounted int `json:"mounted"` // from another repository of the target
	Present int `json:"present"`
}

// Requests counts HTTP requests, those to token servers and redirects included.
type Requests struct {
	Source int64 `json:"source"`
	Target int64 `json:"target"`
}
