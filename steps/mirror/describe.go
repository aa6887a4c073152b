package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// content is what stands behind a digest, as far as it is mirrored.
type content struct {
	ref       name.Digest
	digest    v1.Hash
	mediaType types.MediaType
	raw       []byte // the manifest
	kind      imagelist.Kind
	created   time.Time // zero where it is not said
	images    []platformImage
	blobs     map[v1.Hash]int64
	missing   []string // platforms that were asked for and are not there
}

// platformImage is an image that a machine of one platform runs.
type platformImage struct {
	is    v1.Platform
	image v1.Image
}

func (p platformImage) platform() string {
	if p.is.OS == "" {
		return ""
	}
	return platformName(p.is)
}

// size is what is mirrored, compressed, each blob once.
func (c *content) size() (sum int64) {
	for _, n := range c.blobs {
		sum += n
	}
	return sum
}

func (c *content) platforms() []string {
	var names []string
	for _, i := range c.images {
		if p := i.platform(); p != "" && !slices.Contains(names, p) {
			names = append(names, p)
		}
	}
	slices.Sort(names)
	return names
}

// describe reads the manifests behind ref, and the configuration of an image.
// kind is what the list says, or empty.
func describe(ctx context.Context, from *remote.Puller, ref name.Digest, platformNames []string, kind imagelist.Kind) (*content, error) {
	platforms, err := parsePlatforms(platformNames)
	if err != nil {
		return nil, err
	}
	top, err := from.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	c := &content{ref: ref, digest: top.Digest, mediaType: top.MediaType, raw: top.Manifest, blobs: map[v1.Hash]int64{}}
	if err := c.read(ctx, from, top, platforms, nil, nil); err != nil {
		return nil, err
	}
	for i, p := range platforms {
		if c.kind == imagelist.Image && !slices.ContainsFunc(c.images, func(i platformImage) bool { return i.is.Satisfies(p) }) {
			c.missing = append(c.missing, platformNames[i])
		}
	}
	return c, c.settle(kind)
}

// settle takes the list's word for what it is, but not that an image of a
// platform is a chart.
func (c *content) settle(stated imagelist.Kind) error {
	if stated == imagelist.Chart && c.kind != stated || stated == imagelist.Image && c.kind == imagelist.Chart {
		return fault.Inputf("%s is not what the list says: it is of kind %s, not %s", c.ref, c.kind, stated).Fix("correct kind in the list, or leave it out")
	}
	if stated != "" {
		c.kind = stated
	}
	if c.kind != imagelist.Image {
		c.images, c.missing = nil, nil
	}
	return nil
}

// maxNesting is more than an index in an index.
const maxNesting = 4

func (c *content) read(ctx context.Context, from *remote.Puller, d *remote.Descriptor, platforms []v1.Platform, as *v1.Platform, path []v1.Hash) error {
	if slices.Contains(path, d.Digest) || len(path) > maxNesting {
		return fault.Failedf("%s: indexes are nested deeper than %d", c.ref, maxNesting)
	}
	c.blobs[d.Digest] = int64(len(d.Manifest))
	switch {
	case d.MediaType == types.DockerManifestSchema1 || d.MediaType == types.DockerManifestSchema1Signed:
		return fault.Inputf("%s is in the format of 2014 (%s), which current registries do not take", c.ref, d.MediaType).Fix("ask the publisher for a newer image")
	case !d.MediaType.IsIndex():
		return c.readImage(d, as)
	}
	index, err := v1.ParseIndexManifest(strings.NewReader(string(d.Manifest)))
	if err != nil {
		return fmt.Errorf("index %s: %w", d.Digest, err)
	}
	c.kind = imagelist.Image
	if len(path) == 0 && artifactType(d.Manifest) != "" && !slices.ContainsFunc(index.Manifests, func(m v1.Descriptor) bool { return m.Platform != nil }) {
		c.kind = imagelist.Artefact
	}
	kept := map[string]bool{}
	for _, m := range index.Manifests {
		switch all := len(platforms) == 0 || c.kind != imagelist.Image; {
		case all, chosen(platforms, m.Platform), m.Platform == nil && m.MediaType.IsIndex():
			kept[m.Digest.String()] = true
		}
	}
	for _, m := range index.Manifests {
		if !kept[m.Digest.String()] && !kept[m.Annotations[attests]] {
			continue
		}
		child, err := from.Get(ctx, c.ref.Context().Digest(m.Digest.String()))
		if err != nil {
			return err
		}
		if unknown(m.Platform) {
			err = c.readBlobs(child)
		} else {
			err = c.read(ctx, from, child, nil, m.Platform, append(path, d.Digest))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// attests is the annotation with which BuildKit ties an attestation in an index
// to its image.
const attests = "vnd.docker.reference.digest"

// readImage reads a manifest that is no index: an image, a chart or whatever
// else its configuration says. The platform is the index's word, if there is one.
func (c *content) readImage(d *remote.Descriptor, as *v1.Platform) error {
	if err := c.readBlobs(d); err != nil {
		return err
	}
	m, err := v1.ParseManifest(strings.NewReader(string(d.Manifest)))
	if err != nil {
		return fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	switch kind := kindOf(m, d.Manifest); {
	case kind != imagelist.Image:
		if c.kind == "" {
			c.kind = kind
		}
		return nil
	case c.kind == "":
		c.kind = imagelist.Image
	}
	img, err := d.Image()
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	if config.Created.After(c.created) {
		c.created = config.Created.Time
	}
	is := v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}
	if as != nil {
		is = *as
	}
	c.images = append(c.images, platformImage{is, img})
	return nil
}

func (c *content) readBlobs(d *remote.Descriptor) error {
	c.blobs[d.Digest] = int64(len(d.Manifest))
	m, err := v1.ParseManifest(strings.NewReader(string(d.Manifest)))
	if err != nil {
		return fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	for _, blob := range append(m.Layers, m.Config) {
		if blob.MediaType.IsDistributable() || len(blob.URLs) == 0 {
			c.blobs[blob.Digest] = blob.Size
		}
	}
	return nil
}

// helmConfig is the configuration of a chart, see https://helm.sh/docs/topics/registries.
const helmConfig types.MediaType = "application/vnd.cncf.helm.config.v1+json"

func kindOf(m *v1.Manifest, raw []byte) imagelist.Kind {
	switch {
	case m.Config.MediaType == helmConfig:
		return imagelist.Chart
	case artifactType(raw) == "" && (m.Config.MediaType == types.OCIConfigJSON || m.Config.MediaType == types.DockerConfigJSON):
		return imagelist.Image
	}
	return imagelist.Artefact
}

func artifactType(raw []byte) string {
	var m struct {
		ArtifactType string `json:"artifactType"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	return m.ArtifactType
}
