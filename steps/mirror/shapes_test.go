package mirror_test

import (
	"maps"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// artefact is a manifest that no machine runs.
func artefact(t *testing.T, config types.MediaType, content string) v1.Image {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), config)
	img, err := mutate.Append(img, mutate.Addendum{Layer: static.NewLayer([]byte(content), "application/vnd.test.layer+gzip")})
	must(t, err)
	return img
}

// attested is an index as BuildKit makes it: for each image an attestation.
func attested(t *testing.T) v1.ImageIndex {
	t.Helper()
	i := multi(t, "attested", 0)
	m, err := i.IndexManifest()
	must(t, err)
	for _, d := range m.Manifests {
		i = mutate.AppendManifests(i, mutate.IndexAddendum{
			Add: artefact(t, types.OCIConfigJSON, "provenance of "+d.Digest.String()),
			Descriptor: v1.Descriptor{
				Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
				Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": d.Digest.String()},
			},
		})
	}
	return i
}

// with adds a layer of a kind to an image.
func with(t *testing.T, content string, layer mutate.Addendum) v1.Image {
	t.Helper()
	img, err := mutate.Append(image(t, "linux/amd64", content, 0), layer)
	must(t, err)
	return img
}

// TestEveryShapeIsApprovedAndMirrored holds what an approval says of content
// against what a run finds, whatever its form.
func TestEveryShapeIsApprovedAndMirrored(t *testing.T) {
	nested := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: multi(t, "inner", 0)},
		mutate.IndexAddendum{Add: image(t, "linux/amd64", "outer", 0), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}})
	shapes := map[string]struct {
		what remote.Taggable
		kind imagelist.Kind
	}{
		"image":              {image(t, "linux/amd64", "plain", 0), imagelist.Image},
		"index":              {multi(t, "plain", 0), imagelist.Image},
		"index-attested":     {attested(t), imagelist.Image},
		"index-in-an-index":  {nested, imagelist.Image},
		"docker-format":      {mutate.MediaType(image(t, "linux/amd64", "docker", 0), types.DockerManifestSchema2), imagelist.Image},
		"a-foreign-layer":    {with(t, "foreign", mutate.Addendum{Layer: static.NewLayer([]byte("elsewhere"), types.OCIRestrictedLayer), URLs: []string{"https://elsewhere.example/layer"}}), imagelist.Image},
		"a-layer-twice":      {with(t, "twice", mutate.Addendum{Layer: firstLayer(t, image(t, "linux/amd64", "twice", 0))}), imagelist.Image},
		"an-empty-layer":     {with(t, "empty", mutate.Addendum{Layer: static.NewLayer(nil, types.OCIUncompressedLayer)}), imagelist.Image},
		"chart":              {artefact(t, "application/vnd.cncf.helm.config.v1+json", "chart"), imagelist.Chart},
		"database":           {artefact(t, "application/vnd.aquasec.trivy.config.v1+json", "database"), imagelist.Artefact},
		"one-without-config": {artefact(t, "application/vnd.oci.empty.v1+json", "anything"), imagelist.Artefact},
	}
	for _, platforms := range []string{"", "linux/amd64"} {
		for to, newTarget := range kinds {
			t.Run("platforms "+platforms+" to "+to, func(t *testing.T) {
				l := labOf(t, registrytest.New(t, registrytest.Options{}), newTarget(t, registrytest.Options{}))
				l.platforms = platforms
				var entries []string
				shapes := maps.Clone(shapes)
				if to == "distribution" {
					delete(shapes, "a-foreign-layer") // it takes none unless its configuration names their hosts
				}
				for name, s := range shapes {
					l.push(t, name+":1", s.what)
					entries = append(entries, "name: "+name+", source: SOURCE/"+name+", tags: ['1']")
				}
				l.list(t, entries...)
				l.approve(t)
				r, err := mirror.Run(t.Context(), l.runOptions())
				must(t, err)
				lock := l.lock(t)
				for name, s := range shapes {
					a, _ := lock.Find(name, "1")
					if a.Kind != s.kind || a.Size == 0 {
						t.Errorf("%s: %+v", name, a)
					}
					if got := outcome(t, r, name+":1"); got.State != mirror.Copied || at(t, l.target, "library/"+name+":1") != a.AtTarget() {
						t.Errorf("%s: %+v", name, got)
					}
				}
				if r := l.run(t); r.Count(mirror.Present) != len(shapes) {
					t.Errorf("the second run: %+v", r.Items)
				}
			})
		}
	}
}

func firstLayer(t *testing.T, img v1.Image) v1.Layer {
	t.Helper()
	layers, err := img.Layers()
	must(t, err)
	return layers[0]
}
