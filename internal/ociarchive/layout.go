package ociarchive

import (
	"context"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
)

// Layout is an open OCI layout whatever it holds: many images, or parts of
// images. What its index.json says is the reader's to check.
type Layout struct {
	path  string
	blobs blobs
	sizes map[v1.Hash]int64
	index []byte
}

// OpenLayout reads the OCI layout in the tar file at path and verifies every
// blob that is there, with the errors of Open.
func OpenLayout(ctx context.Context, path string) (*Layout, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fault.Inputf("archive: %w", err)
	}
	store, index, err := openTar(ctx, path)
	if err != nil {
		return nil, named(path, err)
	}
	return &Layout{path: path, blobs: store, sizes: store.sizes(), index: index}, nil
}

// Index gives the bytes of index.json.
func (l *Layout) Index() []byte { return l.index }

// Size gives the size of a blob, and whether it is there.
func (l *Layout) Size(h v1.Hash) (int64, bool) {
	n, ok := l.sizes[h]
	return n, ok
}

// Open reads a blob. One that is not there is a fault.Input.
func (l *Layout) Open(h v1.Hash) (io.ReadCloser, error) { return l.blobs.open(h) }

// Close releases the file.
func (l *Layout) Close() error { return l.blobs.Close() }
