package ociarchive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
)

// folderBlobs reads blobs from an unpacked layout; it cannot leave the folder.
type folderBlobs struct {
	root  *os.Root
	known map[v1.Hash]int64
}

func openFolder(ctx context.Context, name string) (blobs, []byte, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, nil, fault.Inputf("%w", err)
	}
	f := &folderBlobs{root: root, known: map[v1.Hash]int64{}}
	index, err := f.scan(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, root.Close())
	}
	return f, index, nil
}

func (f *folderBlobs) scan(ctx context.Context) ([]byte, error) {
	seen := map[string]bool{}
	for _, name := range []string{"index.json", "oci-layout", "manifest.json"} {
		_, err := f.root.Stat(name)
		seen[name] = err == nil
	}
	if err := checkLayout(seen); err != nil {
		return nil, err
	}
	err := fs.WalkDir(f.root.FS(), "blobs", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isBlob(name) {
			return err
		}
		return f.add(ctx, name)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	r, err := f.root.Open("index.json")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readSmall(r, "index.json")
}

func (f *folderBlobs) add(ctx context.Context, name string) error {
	h, err := blobHash(name)
	if err != nil {
		return err
	}
	r, err := f.root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	f.known[h] = info.Size()
	return verify(ctx, h, r)
}

// open implements blobs.
func (f *folderBlobs) open(h v1.Hash) (io.ReadCloser, error) {
	if _, ok := f.known[h]; !ok {
		return nil, missing(h)
	}
	return f.root.Open(filepath.Join("blobs", h.Algorithm, h.Hex))
}

func (f *folderBlobs) sizes() map[v1.Hash]int64 { return f.known }

// Close implements io.Closer.
func (f *folderBlobs) Close() error { return f.root.Close() }
