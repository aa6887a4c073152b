package ociarchive

import (
	"bytes"
	"encoding/json"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
)

// resolve finds the archive's image or index in index.json and checks that all
// it refers to is there. Signatures and attestations that lie beside the image
// in the layout are checked, and are not taken for images.
func (a *Archive) resolve(indexJSON []byte) error {
	top, err := v1.ParseIndexManifest(bytes.NewReader(indexJSON))
	if err != nil {
		return fault.Inputf("index.json: %w", err).Fix(exportAgain)
	}
	var roots []v1.Descriptor
	byRoot := map[v1.Hash][]v1.Descriptor{}
	for _, d := range top.Manifests {
		if _, again := byRoot[d.Digest]; again { // one image under two names
			continue
		}
		images, err := a.walk(d)
		if err != nil {
			return err
		}
		byRoot[d.Digest] = images
		if len(images) > 0 {
			roots = append(roots, d)
		}
	}
	switch len(roots) {
	case 0:
		return fault.Inputf("the archive holds no container image").Fix(exportAgain)
	case 1:
		a.root, a.images = roots[0], byRoot[roots[0].Digest]
		return nil
	}
	var digests []string
	for _, d := range roots {
		digests = append(digests, d.Digest.String())
	}
	return fault.Inputf("the archive holds several images: %s", strings.Join(digests, ", ")).Fix("export one image per archive")
}

// walk checks everything below d and returns the images.
func (a *Archive) walk(d v1.Descriptor) ([]v1.Descriptor, error) {
	if !d.MediaType.IsIndex() && !d.MediaType.IsImage() {
		return nil, a.present(d)
	}
	raw, err := a.read(d)
	if err != nil {
		return nil, err
	}
	if d.MediaType.IsImage() {
		return a.walkImage(d, raw)
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fault.Inputf("index %s: %w", d.Digest, err).Fix(exportAgain)
	}
	var images []v1.Descriptor
	for _, child := range index.Manifests {
		below, err := a.walk(child)
		if err != nil {
			return nil, err
		}
		images = append(images, below...)
	}
	return images, nil
}

func (a *Archive) walkImage(d v1.Descriptor, raw []byte) ([]v1.Descriptor, error) {
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fault.Inputf("manifest %s: %w", d.Digest, err).Fix(exportAgain)
	}
	for _, part := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		if err := a.present(part); err != nil {
			return nil, err
		}
	}
	if !isContainerImage(m) {
		return nil, nil
	}
	return []v1.Descriptor{d}, a.checkConfig(m.Config)
}

// isContainerImage tells a container image from an artifact that is stored as
// one: a signature, an attestation, a chart.
func isContainerImage(m *v1.Manifest) bool {
	if m.Subject != nil || !m.Config.MediaType.IsConfig() {
		return false
	}
	for _, l := range m.Layers {
		if !l.MediaType.IsLayer() {
			return false
		}
	}
	return true
}

func (a *Archive) checkConfig(d v1.Descriptor) error {
	raw, err := a.read(d)
	if err != nil {
		return err
	}
	var c v1.ConfigFile
	if err := json.Unmarshal(raw, &c); err != nil {
		return fault.Inputf("image config %s: %w", d.Digest, err).Fix(exportAgain)
	}
	return nil
}

func (a *Archive) present(d v1.Descriptor) error {
	size, ok := a.blobs.sizes()[d.Digest]
	switch {
	case !ok:
		return missing(d.Digest)
	case size != d.Size:
		return fault.Inputf("blob %s has %d bytes, its descriptor says %d", d.Digest, size, d.Size).Fix(exportAgain)
	}
	return nil
}

// read gives a small blob whole.
func (a *Archive) read(d v1.Descriptor) ([]byte, error) {
	if err := a.present(d); err != nil {
		return nil, err
	}
	r, err := a.blobs.open(d.Digest)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readSmall(r, "blob "+d.Digest.String())
}
