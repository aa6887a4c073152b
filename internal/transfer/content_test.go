package transfer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/registrytest"
)

// maker puts artefacts of all kinds into a registry.
type maker struct {
	t   testing.TB
	reg *registrytest.Registry
	raw map[string][]byte // by digest: what was made
	to  []remote.Option
}

func newMaker(t testing.TB, r *registrytest.Registry) *maker {
	return &maker{t: t, reg: r, raw: map[string][]byte{}, to: r.Client(t).Remote(t.Context())}
}

func (m *maker) repo(path string) name.Repository {
	m.t.Helper()
	r, err := name.NewRepository(m.reg.Ref(path))
	must(m.t, err)
	return r
}

// noise is content that is the same for the same seed.
func noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b) // it does not fail
	return b
}

// blob uploads content.
func (m *maker) blob(repo string, kind types.MediaType, content []byte) v1.Descriptor {
	m.t.Helper()
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	must(m.t, err)
	must(m.t, remote.WriteLayer(m.repo(repo), static.NewLayer(content, kind), m.to...))
	m.raw[digest.String()] = content
	return v1.Descriptor{MediaType: kind, Digest: digest, Size: size}
}

// manifest is what is put under a tag or, without one, under its digest.
type manifest map[string]any

// RawManifest implements remote.Taggable.
func (b rawManifest) RawManifest() ([]byte, error) { return b.raw, nil }

// MediaType tells remote the type.
func (b rawManifest) MediaType() (types.MediaType, error) { return b.kind, nil }

type rawManifest struct {
	raw  []byte
	kind types.MediaType
}

func (m *maker) put(repo, tag string, kind types.MediaType, doc manifest) v1.Descriptor {
	m.t.Helper()
	doc["schemaVersion"] = 2
	if _, ok := doc["mediaType"]; !ok {
		doc["mediaType"] = kind
	}
	raw, err := json.MarshalIndent(doc, "", "   ") // not how anything in pave writes it
	must(m.t, err)
	digest, size, err := v1.SHA256(bytes.NewReader(raw))
	must(m.t, err)
	var ref name.Reference = m.repo(repo).Digest(digest.String())
	if tag != "" {
		ref = m.repo(repo).Tag(tag)
	}
	must(m.t, remote.Put(ref, rawManifest{raw, kind}, m.to...))
	m.raw[digest.String()] = raw
	return v1.Descriptor{MediaType: kind, Digest: digest, Size: size}
}

// image makes an OCI image for a platform with layers of noise.
func (m *maker) image(repo, tag, arch string, seed uint64, sizes ...int) v1.Descriptor {
	m.t.Helper()
	config := m.blob(repo, types.OCIConfigJSON, fmt.Appendf(nil, `{"architecture":%q,"os":"linux","seed":%d,"rootfs":{"type":"layers","diff_ids":[]}}`, arch, seed))
	layers := []v1.Descriptor{}
	for i, size := range sizes {
		layers = append(layers, m.blob(repo, types.OCILayer, noise(seed+uint64(i), size)))
	}
	d := m.put(repo, tag, types.OCIManifestSchema1, manifest{"config": config, "layers": layers})
	d.Platform = &v1.Platform{OS: "linux", Architecture: arch}
	return d
}

// index makes an index of manifests.
func (m *maker) index(repo, tag string, manifests ...v1.Descriptor) v1.Descriptor {
	m.t.Helper()
	return m.put(repo, tag, types.OCIImageIndex, manifest{"manifests": manifests, "annotations": map[string]string{"by": "test"}})
}

// multi makes an index with two platforms.
func (m *maker) multi(repo, tag string, seed uint64) v1.Descriptor {
	m.t.Helper()
	return m.index(repo, tag, m.image(repo, "", "amd64", seed, 2000, 3000), m.image(repo, "", "arm64", seed+10, 2500))
}

// kinds makes one artefact of each kind, by what a test calls it.
func (m *maker) kinds(repo string) map[string]v1.Descriptor {
	m.t.Helper()
	docker := func() v1.Descriptor {
		config := m.blob(repo, types.DockerConfigJSON, []byte(`{"architecture":"amd64","os":"linux"}`))
		layer := m.blob(repo, types.DockerLayer, noise(70, 4000))
		d := m.put(repo, "", types.DockerManifestSchema2, manifest{"config": config, "layers": []v1.Descriptor{layer}})
		d.Platform = &v1.Platform{OS: "linux", Architecture: "amd64"}
		return d
	}
	artefact := func(config, layer types.MediaType, seed uint64) v1.Descriptor {
		return m.put(repo, "", types.OCIManifestSchema1, manifest{
			"config": m.blob(repo, config, fmt.Appendf(nil, `{"name":"x%d"}`, seed)),
			"layers": []v1.Descriptor{m.blob(repo, layer, noise(seed, 5000))},
		})
	}
	empty := m.blob(repo, types.OCIEmptyJSON, []byte("{}"))
	return map[string]v1.Descriptor{
		"an OCI index of two platforms": m.multi(repo, "", 100),
		"an index in an index":          m.index(repo, "", m.multi(repo, "", 200), m.image(repo, "", "s390x", 300, 10)),
		"a Docker image":                docker(),
		"a Docker manifest list":        m.put(repo, "", types.DockerManifestList, manifest{"manifests": []v1.Descriptor{docker()}}),
		"a Helm chart":                  artefact("application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", 60),
		"a Trivy database":              artefact("application/vnd.aquasec.trivy.config.v1+json", "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip", 61),
		"an image with zstd layers":     artefact(types.OCIConfigJSON, types.OCILayerZStd, 62),
		"an artefact with an empty config": m.put(repo, "", types.OCIManifestSchema1, manifest{
			"artifactType": "application/x", "config": empty, "layers": []v1.Descriptor{empty},
		}),
		"an image with a layer of no bytes, twice": m.put(repo, "", types.OCIManifestSchema1, manifest{
			"config": empty, "layers": []v1.Descriptor{m.blob(repo, types.OCILayer, nil), m.blob(repo, types.OCILayer, nil)},
		}),
		"an image without layers": m.put(repo, "", types.OCIManifestSchema1, manifest{"config": empty, "layers": []v1.Descriptor{}}),
	}
}

// same checks that a reference at a registry is digest, and that everything
// below it is there with the right content.
func same(t testing.TB, r *registrytest.Registry, ref string, digest v1.Hash) {
	t.Helper()
	at, err := name.ParseReference(r.Ref(ref))
	must(t, err)
	puller, err := remote.NewPuller(r.Client(t).Remote(t.Context())...)
	must(t, err)
	d, err := puller.Get(t.Context(), at)
	must(t, err)
	if d.Digest != digest {
		t.Errorf("%s is %s, want %s", ref, d.Digest, digest)
	}
	var doc struct {
		Manifests, Layers []v1.Descriptor
		Config            *v1.Descriptor
	}
	must(t, json.Unmarshal(d.Manifest, &doc))
	for _, child := range doc.Manifests {
		same(t, r, at.Context().RepositoryStr()+"@"+child.Digest.String(), child.Digest)
	}
	if doc.Config != nil {
		doc.Layers = append(doc.Layers, *doc.Config)
	}
	for _, l := range doc.Layers {
		if !l.MediaType.IsDistributable() {
			continue
		}
		layer, err := puller.Layer(t.Context(), at.Context().Digest(l.Digest.String()))
		must(t, err)
		body, err := layer.Compressed()
		must(t, err)
		got, size, err := v1.SHA256(body)
		must(t, err)
		must(t, body.Close())
		if got != l.Digest || size != l.Size {
			t.Errorf("%s: blob %s is %s, %d bytes", ref, l.Digest, got, size)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
