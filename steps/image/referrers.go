package image

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
)

const (
	// refName names a manifest in a layout's index.json, see
	// https://github.com/opencontainers/image-spec/blob/main/annotations.md.
	refName = "org.opencontainers.image.ref.name"
	// fullName is where containerd looks for the whole reference.
	fullName = "io.containerd.image.name"
	// cosignKind is how cosign save tells the parts of its layout apart.
	cosignKind = "kind"
)

// legacySuffixes are the tags that cosign keeps beside an image where it does
// not use referrers, and their kinds in a layout of its own.
var legacySuffixes = []struct{ suffix, kind string }{
	{".sig", "dev.cosignproject.cosign/sigs"},
	{".att", "dev.cosignproject.cosign/atts"},
	{".sbom", ""},
}

// collector copies manifests of one repository into a layout, each once.
type collector struct {
	repo    name.Repository
	to      layout.Path
	options []remote.Option
	seen    map[v1.Hash]bool
	listed  []Manifest
}

func newCollector(repo name.Repository, to layout.Path, options []remote.Option) *collector {
	return &collector{repo: repo, to: to, options: options, seen: map[v1.Hash]bool{}}
}

// image copies what ref names and all that refers to it.
func (c *collector) image(ref name.Reference) (v1.Hash, error) {
	got, err := remote.Get(ref, c.options...)
	if err != nil {
		return v1.Hash{}, err
	}
	annotations := map[string]string{refName: ref.Identifier(), fullName: ref.Name(), cosignKind: "dev.cosignproject.cosign/image"}
	if got.MediaType.IsIndex() {
		annotations[cosignKind] = "dev.cosignproject.cosign/imageIndex"
	}
	return got.Digest, c.add(got, v1.Hash{}, annotations)
}

// add copies one manifest with its content, then what refers to it.
func (c *collector) add(d *remote.Descriptor, subject v1.Hash, annotations map[string]string) error {
	if c.seen[d.Digest] {
		return nil
	}
	c.seen[d.Digest] = true
	listed := Manifest{
		Digest:       d.Digest.String(),
		MediaType:    string(d.MediaType),
		ArtifactType: d.ArtifactType,
		Name:         annotations[refName],
	}
	if subject != (v1.Hash{}) {
		listed.Subject = subject.String()
	}
	c.listed = append(c.listed, listed)
	switch {
	case d.MediaType.IsIndex():
		return c.addIndex(d, annotations)
	case d.MediaType.IsImage():
		img, err := d.Image()
		if err != nil {
			return err
		}
		if err := c.to.AppendImage(img, layout.WithAnnotations(annotations)); err != nil {
			return err
		}
		return c.referrers(d.Digest)
	}
	return fault.Failedf("manifest %s is of type %s, which an export cannot hold", d.Digest, d.MediaType)
}

// addIndex copies an index with its images; each of them has referrers too.
func (c *collector) addIndex(d *remote.Descriptor, annotations map[string]string) error {
	index, err := d.ImageIndex()
	if err != nil {
		return err
	}
	if err := c.to.AppendIndex(index, layout.WithAnnotations(annotations)); err != nil {
		return err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, child := range m.Manifests {
		if c.seen[child.Digest] {
			continue
		}
		c.seen[child.Digest] = true
		if err := c.referrers(child.Digest); err != nil {
			return err
		}
	}
	return c.referrers(d.Digest)
}

// referrers copies all that refers to subject: by the API, by the fallback tag
// (a registry that has learned the API may still hold older ones there), by
// cosign's legacy tags.
func (c *collector) referrers(subject v1.Hash) error {
	found, err := c.find(subject)
	if err != nil {
		return err
	}
	for _, h := range found {
		got, err := remote.Get(c.repo.Digest(h.String()), c.options...)
		if err != nil {
			return err
		}
		if err := c.add(got, subject, nil); err != nil {
			return err
		}
	}
	for _, legacy := range legacySuffixes {
		tag := c.fallbackTag(subject, legacy.suffix)
		got, err := remote.Get(tag, c.options...)
		if missing(err) {
			continue
		}
		if err != nil {
			return err
		}
		annotations := map[string]string{refName: tag.TagStr()}
		if legacy.kind != "" {
			annotations[cosignKind] = legacy.kind
		}
		if err := c.add(got, subject, annotations); err != nil {
			return err
		}
	}
	return nil
}

// find gives the digests of subject's referrers, sorted.
func (c *collector) find(subject v1.Hash) ([]v1.Hash, error) {
	listed, err := remote.Referrers(c.repo.Digest(subject.String()), c.options...)
	if err != nil {
		return nil, err
	}
	all := map[v1.Hash]bool{}
	if err := collect(listed, all); err != nil {
		return nil, err
	}
	tagged, err := remote.Get(c.fallbackTag(subject, ""), c.options...)
	switch {
	case missing(err):
	case err != nil:
		return nil, err
	case tagged.MediaType.IsIndex():
		index, err := tagged.ImageIndex()
		if err != nil {
			return nil, err
		}
		if err := collect(index, all); err != nil {
			return nil, err
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(x, y v1.Hash) int { return strings.Compare(x.Hex, y.Hex) }), nil
}

func collect(index v1.ImageIndex, into map[v1.Hash]bool) error {
	m, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range m.Manifests {
		into[d.Digest] = true
	}
	return nil
}

// fallbackTag is sha256-<hex><suffix>, see
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema.
func (c *collector) fallbackTag(h v1.Hash, suffix string) name.Tag {
	return c.repo.Tag(h.Algorithm + "-" + h.Hex + suffix)
}
