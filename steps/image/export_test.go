package image_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/image"
)

func TestExportTakesEverythingThatRefersToTheImage(t *testing.T) {
	for kind, start := range registries {
		t.Run(kind, func(t *testing.T) {
			r := start(t, registrytest.Options{})
			img := mutate.MediaType(randomImage(t), types.OCIManifestSchema1)
			sbom := artifact(t, img, "application/spdx+json")
			signature := artifact(t, sbom, "application/vnd.example.signature") // of the SBOM
			legacy := artifact(t, nil, "application/vnd.dev.cosign.simplesigning.v1+json")
			unrelated := randomImage(t)
			tag := strings.Replace(digestOf(t, img), ":", "-", 1) + ".sig"
			for ref, x := range map[string]v1.Image{"app:1": img, "app:" + tag: legacy, "app:2": unrelated,
				"app@" + digestOf(t, sbom): sbom, "app@" + digestOf(t, signature): signature} {
				must(t, remote.Write(reference(t, r, ref), x, r.Client(t).Remote(t.Context())...))
			}

			out := filepath.Join(t.TempDir(), "oci")
			o := image.ExportOptions{Ref: r.Ref("app:1"), Output: out, Registry: r.Options()}
			got, err := image.Export(t.Context(), o)
			must(t, err)
			want := map[string]string{digestOf(t, img): "", digestOf(t, sbom): digestOf(t, img), digestOf(t, signature): digestOf(t, sbom), digestOf(t, legacy): digestOf(t, img)}
			subjects := map[string]string{}
			for _, m := range got.Manifests {
				subjects[m.Digest] = m.Subject
				if m.Digest == digestOf(t, sbom) && m.ArtifactType != "application/spdx+json" {
					t.Errorf("artifact type %q", m.ArtifactType)
				}
			}
			if got.Digest != digestOf(t, img) || got.Path != out || !maps.Equal(subjects, want) {
				t.Errorf("got %+v", got)
			}

			names := map[string]string{}
			for _, d := range index(t, out).Manifests {
				names[d.Digest.String()] = d.Annotations["org.opencontainers.image.ref.name"]
			}
			wantNames := map[string]string{digestOf(t, img): "1", digestOf(t, sbom): "", digestOf(t, signature): "", digestOf(t, legacy): tag}
			if !maps.Equal(names, wantNames) {
				t.Errorf("index.json: got %v, want %v", names, wantNames)
			}
			if d := digestOf(t, open(t, out)); d != digestOf(t, img) {
				t.Errorf("the layout's image is %s", d)
			}
			mustHold(t, filepath.Dir(out), "oci")

			// A second export, by digest, replaces the first.
			o.Ref = r.Ref("app@" + digestOf(t, unrelated))
			_, err = image.Export(t.Context(), o)
			must(t, err)
			if n := len(index(t, out).Manifests); n != 1 {
				t.Errorf("%d manifests after a second export, want 1", n)
			}
			mustHold(t, filepath.Dir(out), "oci")
		})
	}
}

func TestExportFindsReferrersOfOlderClientsAndOfEachPlatform(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	options := r.Client(t).Remote(t.Context())
	img := mutate.MediaType(randomImage(t), types.OCIManifestSchema1)
	idx := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{Add: img})
	must(t, remote.WriteIndex(reference(t, r, "app:all"), idx, options...))
	ofPlatform := artifact(t, img, "application/spdx+json")
	must(t, remote.Write(reference(t, r, "app@"+digestOf(t, ofPlatform)), ofPlatform, options...))
	// In the fallback tag only: it has no subject that the API could list it by.
	h, err := idx.Digest()
	must(t, err)
	tagged := artifact(t, nil, "application/vnd.example.old")
	must(t, remote.WriteIndex(reference(t, r, "app:sha256-"+h.Hex), mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{Add: tagged}), options...))

	got, err := image.Export(t.Context(), image.ExportOptions{Ref: r.Ref("app:all"), Output: filepath.Join(t.TempDir(), "oci"), Registry: r.Options()})
	must(t, err)
	var digests []string
	for _, m := range got.Manifests {
		digests = append(digests, m.Digest)
	}
	if want := []string{h.String(), digestOf(t, ofPlatform), digestOf(t, tagged)}; !slices.Equal(digests, want) {
		t.Errorf("got %v, want %v", digests, want)
	}
}

func TestExportSaysWhatIsWrongAndLeavesNothing(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	foreign := t.TempDir()
	write(t, foreign, "precious", "x")
	for name, c := range map[string]struct {
		ref, output string
		kind        fault.Kind
		words       []string
	}{
		"no such image":           {ref: r.Ref("app:none"), kind: fault.Failed, words: []string{"app:none", "has no such"}},
		"a folder of others":      {ref: r.Ref("app:1"), output: foreign, kind: fault.Input, words: []string{foreign, "earlier export"}},
		"a file":                  {ref: r.Ref("app:1"), output: filepath.Join(foreign, "precious"), kind: fault.Input, words: []string{"output folder"}},
		"a bad reference":         {ref: "app", kind: fault.Input, words: []string{`"app"`}},
		"a registry that is down": {ref: "127.0.0.1:1/app:1", kind: fault.Failed, words: []string{"refuses connections"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.output == "" {
				c.output = filepath.Join(dir, "oci")
			}
			_, err := image.Export(t.Context(), image.ExportOptions{Ref: c.ref, Output: c.output, Registry: r.Options()})
			mustBe(t, c.kind, err, c.words...)
			mustBeEmpty(t, dir)
		})
	}
	if _, err := os.Stat(filepath.Join(foreign, "precious")); err != nil {
		t.Error(err)
	}
}

// artifact is a manifest of kind that refers to subject, if there is one.
func artifact(t *testing.T, subject v1.Image, kind types.MediaType) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte(`{"kind":"`+kind+`"}`), kind))
	must(t, err)
	if subject == nil {
		return mutate.ConfigMediaType(img, types.OCIConfigJSON) // as cosign's legacy signatures
	}
	d, err := partial.Descriptor(subject)
	must(t, err)
	return mutate.Subject(mutate.ConfigMediaType(img, kind), *d).(v1.Image)
}

func index(t *testing.T, folder string) *v1.IndexManifest {
	t.Helper()
	idx, err := layout.ImageIndexFromPath(folder)
	must(t, err)
	m, err := idx.IndexManifest()
	must(t, err)
	return m
}

func reference(t *testing.T, r *registrytest.Registry, ref string) name.Reference {
	t.Helper()
	parsed, err := registry.ParseReference(r.Ref(ref))
	must(t, err)
	return parsed
}
