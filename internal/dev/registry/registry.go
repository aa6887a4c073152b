// Package registry is a small OCI registry on disk, with the referrers API,
// for demos and tests.
//
// The protocol is go-containerregistry's in-process registry. This package
// adds what that one lacks: manifests outlive a restart, and referrers are
// listed by their artifact type.
package registry

import (
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/pave-platform/pave/internal/fault"
)

// Options say what the registry can do.
type Options struct {
	Dir         string // where blobs and manifests are kept; made where missing
	NoReferrers bool   // answer 404 at the referrers API, as older registries do
}

// New opens the registry in o.Dir with all that an earlier one left there.
func New(o Options) (http.Handler, error) {
	blobs := filepath.Join(o.Dir, "blobs")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return nil, fault.Inputf("registry folder: %w", err)
	}
	store, err := openStore(filepath.Join(o.Dir, "manifests"))
	if err != nil {
		return nil, err
	}
	inner := registry.New(
		registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs)),
		registry.WithReferrersSupport(!o.NoReferrers),
		registry.Logger(log.New(io.Discard, "", 0)),
	)
	if err := store.replay(inner); err != nil {
		return nil, err
	}
	uploads := filepath.Join(o.Dir, "uploads")
	if err := os.MkdirAll(uploads, 0o755); err != nil {
		return nil, fault.Inputf("registry folder: %w", err)
	}
	return spool{inner: &persistent{inner: inner, store: store, listsReferrers: !o.NoReferrers}, dir: uploads}, nil
}
