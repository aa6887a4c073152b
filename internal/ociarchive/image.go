package ociarchive

import (
	"bytes"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
)

func (a *Archive) image(d v1.Descriptor) (v1.Image, error) {
	raw, err := a.read(d)
	if err != nil {
		return nil, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fault.Inputf("manifest %s: %w", d.Digest, err)
	}
	return partial.CompressedToImage(&image{archive: a, desc: d, raw: raw, manifest: m})
}

// image implements partial.CompressedImageCore.
type image struct {
	archive  *Archive
	desc     v1.Descriptor
	raw      []byte
	manifest *v1.Manifest
}

func (i *image) MediaType() (types.MediaType, error) { return i.desc.MediaType, nil }
func (i *image) RawManifest() ([]byte, error)        { return i.raw, nil }
func (i *image) RawConfigFile() ([]byte, error)      { return i.archive.read(i.manifest.Config) }

func (i *image) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range append([]v1.Descriptor{i.manifest.Config}, i.manifest.Layers...) {
		if d.Digest == h {
			return &layer{archive: i.archive, desc: d}, nil
		}
	}
	return nil, missing(h)
}

// layer implements partial.CompressedLayer.
type layer struct {
	archive *Archive
	desc    v1.Descriptor
}

func (l *layer) Digest() (v1.Hash, error)            { return l.desc.Digest, nil }
func (l *layer) Size() (int64, error)                { return l.desc.Size, nil }
func (l *layer) MediaType() (types.MediaType, error) { return l.desc.MediaType, nil }
func (l *layer) Descriptor() (*v1.Descriptor, error) { return &l.desc, nil }
func (l *layer) Compressed() (io.ReadCloser, error)  { return l.archive.blobs.open(l.desc.Digest) }

// index implements v1.ImageIndex.
type index struct {
	archive *Archive
	desc    v1.Descriptor
	raw     []byte
}

func (x *index) MediaType() (types.MediaType, error) { return x.desc.MediaType, nil }
func (x *index) Digest() (v1.Hash, error)            { return x.desc.Digest, nil }
func (x *index) Size() (int64, error)                { return x.desc.Size, nil }
func (x *index) RawManifest() ([]byte, error)        { return x.raw, nil }

func (x *index) IndexManifest() (*v1.IndexManifest, error) {
	return v1.ParseIndexManifest(bytes.NewReader(x.raw))
}

func (x *index) Image(h v1.Hash) (v1.Image, error) {
	d, err := x.child(h)
	if err != nil {
		return nil, err
	}
	return x.archive.image(d)
}

func (x *index) ImageIndex(h v1.Hash) (v1.ImageIndex, error) {
	d, err := x.child(h)
	if err != nil {
		return nil, err
	}
	raw, err := x.archive.read(d)
	if err != nil {
		return nil, err
	}
	return &index{archive: x.archive, desc: d, raw: raw}, nil
}

func (x *index) child(h v1.Hash) (v1.Descriptor, error) {
	m, err := x.IndexManifest()
	if err != nil {
		return v1.Descriptor{}, err
	}
	for _, d := range m.Manifests {
		if d.Digest == h {
			return d, nil
		}
	}
	return v1.Descriptor{}, missing(h)
}
