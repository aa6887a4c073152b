// Package ociarchive reads and writes container images as OCI image layouts
// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md): a
// tar file, as BuildKit, Dagger and pave write, or a folder.
//
// It promises that an opened archive is whole: every blob has been read once
// and has the digest and the size that its name and its descriptors say.
package ociarchive

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
)

// Archive is an open OCI layout that holds one image, or one index of images
// for several platforms. Blobs are read in place, never unpacked.
type Archive struct {
	path   string
	blobs  blobs
	root   v1.Descriptor
	images []v1.Descriptor // the images under root, in the index's order
}

// blobs is where an archive's bytes are: in a tar file or in a folder.
type blobs interface {
	open(v1.Hash) (io.ReadCloser, error)
	sizes() map[v1.Hash]int64
	io.Closer
}

// Open reads the OCI layout at path, a tar file or a folder, and verifies
// every blob. What is truncated, altered or no OCI layout is a fault.Input
// that names the file, the blob and the remedy.
func Open(ctx context.Context, path string) (*Archive, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.Inputf("image archive: %w", err)
	}
	open := openTar
	if info.IsDir() {
		open = openFolder
	}
	store, index, err := open(ctx, path)
	if err != nil {
		return nil, named(path, err)
	}
	a := &Archive{path: path, blobs: store}
	if err := a.resolve(index); err != nil {
		return nil, errors.Join(named(path, err), store.Close())
	}
	return a, nil
}

// Close releases the file.
func (a *Archive) Close() error { return a.blobs.Close() }

// Digest is the digest of what the layout holds: the image's, or the index's
// where the layout holds an index.
func (a *Archive) Digest() v1.Hash { return a.root.Digest }

// Descriptor describes what the layout holds: an image or an index.
func (a *Archive) Descriptor() v1.Descriptor { return a.root }

// Image gives the one image. An archive with images for several platforms is
// an input error that lists them.
func (a *Archive) Image() (v1.Image, error) {
	if len(a.images) > 1 {
		var platforms []string
		for _, d := range a.images {
			platforms = append(platforms, platformOf(d))
		}
		return nil, fault.Inputf("%s holds images for several platforms: %s", a.path, strings.Join(platforms, ", ")).
			Fix("give an archive with one image")
	}
	return a.image(a.images[0])
}

// Images gives the images of all platforms, at least one, in the index's order.
func (a *Archive) Images() ([]v1.Image, error) {
	all := make([]v1.Image, 0, len(a.images))
	for _, d := range a.images {
		img, err := a.image(d)
		if err != nil {
			return nil, err
		}
		all = append(all, img)
	}
	return all, nil
}

// Index gives the index that the archive holds, or nil where it holds an image
// without one.
func (a *Archive) Index() (v1.ImageIndex, error) {
	if !a.root.MediaType.IsIndex() {
		return nil, nil
	}
	raw, err := a.read(a.root)
	if err != nil {
		return nil, err
	}
	return &index{archive: a, desc: a.root, raw: raw}, nil
}

func platformOf(d v1.Descriptor) string {
	if d.Platform == nil {
		return d.Digest.String()
	}
	return d.Platform.String()
}

// named puts the archive's path before err and keeps its kind and remedy.
func named(path string, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		e := fault.Inputf("%s: %w", path, known.Err)
		e.Kind, e.Remedy = known.Kind, known.Remedy
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.Failedf("%s: %w", path, err)
}
