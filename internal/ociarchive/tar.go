package ociarchive

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
)

const exportAgain = "build or export the image again"

// tarBlobs finds blobs in a tar file by their offset.
type tarBlobs struct {
	file  *os.File
	spans map[v1.Hash]span
}

type span struct{ offset, size int64 }

func openTar(ctx context.Context, name string) (blobs, []byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fault.Inputf("%w", err)
	}
	t := &tarBlobs{file: f, spans: map[v1.Hash]span{}}
	index, err := t.scan(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return t, index, nil
}

// scan reads the tar once: it verifies each blob, notes where it is, and
// returns index.json.
func (t *tarBlobs) scan(ctx context.Context) (index []byte, err error) {
	entries := tar.NewReader(t.file)
	seen := map[string]bool{}
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, damaged(err, len(seen) == 0)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		name := path.Clean(header.Name)
		seen[name] = true
		switch {
		case name == "index.json":
			if index, err = readSmall(entries, "index.json"); err != nil {
				return nil, truncated(name, err)
			}
		case isBlob(name):
			if err := t.add(ctx, name, header.Size, entries); err != nil {
				return nil, err
			}
		}
	}
	return index, checkLayout(seen)
}

func (t *tarBlobs) add(ctx context.Context, name string, size int64, r io.Reader) error {
	h, err := blobHash(name)
	if err != nil {
		return err
	}
	// The tar reader does not read ahead: behind a header the file stands at
	// the entry's first byte.
	offset, err := t.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if err := verify(ctx, h, r); err != nil {
		return truncated(h.String(), err)
	}
	t.spans[h] = span{offset, size}
	return nil
}

// open implements blobs.
func (t *tarBlobs) open(h v1.Hash) (io.ReadCloser, error) {
	s, ok := t.spans[h]
	if !ok {
		return nil, missing(h)
	}
	return io.NopCloser(io.NewSectionReader(t.file, s.offset, s.size)), nil
}

func (t *tarBlobs) sizes() map[v1.Hash]int64 {
	all := make(map[v1.Hash]int64, len(t.spans))
	for h, s := range t.spans {
		all[h] = s.size
	}
	return all
}

// Close implements io.Closer.
func (t *tarBlobs) Close() error { return t.file.Close() }

// damaged explains an error of the tar reader.
func damaged(err error, first bool) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Inputf("the archive is truncated").Fix(exportAgain)
	case errors.Is(err, tar.ErrHeader) && first:
		return fault.Inputf("not a tar file").Fix("give an uncompressed OCI image archive")
	case errors.Is(err, tar.ErrHeader):
		return fault.Inputf("the archive is damaged: %w", err).Fix(exportAgain)
	}
	return err
}

func truncated(what string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Inputf("the archive is truncated inside %s", what).Fix(exportAgain)
	}
	return err
}

func checkLayout(seen map[string]bool) error {
	switch {
	case seen["index.json"] && seen["oci-layout"]:
		return nil
	case seen["manifest.json"]:
		return fault.Inputf("this is a Docker archive, not an OCI image layout").
			Fix("export it as OCI (docker buildx build --output type=oci), or convert it with skopeo copy docker-archive:… oci-archive:…")
	}
	return fault.Inputf("no OCI image layout: index.json or oci-layout is missing").Fix(exportAgain)
}
