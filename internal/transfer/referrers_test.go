package transfer_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/transfer"
)

// refer makes an artefact whose subject is d, and lists it in a tag where the
// registry has no API, as clients do.
func (m *maker) refer(repo, kind string, d v1.Descriptor, listed bool) v1.Descriptor {
	m.t.Helper()
	empty := m.blob(repo, types.OCIEmptyJSON, []byte("{}"))
	r := m.put(repo, "", types.OCIManifestSchema1, manifest{
		"artifactType": kind, "config": empty, "layers": []v1.Descriptor{m.blob(repo, "application/x", fmt.Appendf(nil, "%s of %s", kind, d.Digest))},
		"subject": v1.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, "annotations": map[string]string{"kind": kind},
	})
	r.ArtifactType, r.Annotations = kind, map[string]string{"kind": kind}
	if !listed {
		m.put(repo, "sha256-"+d.Digest.Hex, types.OCIImageIndex, manifest{"manifests": []v1.Descriptor{r}})
	}
	return r
}

// referrers asks a registry as cosign and oras do.
func referrers(t testing.TB, r *registrytest.Registry, repo string, d v1.Hash) map[v1.Hash]v1.Descriptor {
	t.Helper()
	at, err := name.NewDigest(r.Ref(repo + "@" + d.String()))
	must(t, err)
	idx, err := remote.Referrers(at, r.Client(t).Remote(t.Context())...)
	must(t, err)
	m, err := idx.IndexManifest()
	must(t, err)
	all := map[v1.Hash]v1.Descriptor{}
	for _, d := range m.Manifests {
		all[d.Digest] = d
	}
	return all
}

func TestWhatRefersToAnArtefactComesAlong(t *testing.T) {
	for fromName, from := range map[string]starter{"with the API": registrytest.New, "without": registrytest.Distribution} {
		for toName, to := range map[string]starter{"with the API": registrytest.New, "without": registrytest.Version2} {
			t.Run("from one "+fromName+" to one "+toName, func(t *testing.T) {
				p := newPair(t, from, to, registrytest.Options{}, registrytest.Options{})
				listed := fromName == "with the API"
				amd := p.make.image("pub/app", "", "amd64", 1, 100)
				whole := p.make.index("pub/app", "", amd, p.make.image("pub/app", "", "arm64", 2, 100))
				sbom := p.make.refer("pub/app", "application/sbom", whole, listed)
				signed := p.make.refer("pub/app", "application/signature", sbom, listed)
				scan := p.make.refer("pub/app", "application/scan", amd, listed)
				legacy := p.make.image("pub/app", "sha256-"+whole.Digest.Hex+".sig", "amd64", 50, 10)

				o := p.options(t)
				o.Referrers = transfer.ReferrersOnCopy
				e := p.entry(t, "pub/app", whole, "library/app", "1")
				r := p.copies(t, o, e)
				if r.Entries[0].Referrers != 4 {
					t.Errorf("%d came along, want 4", r.Entries[0].Referrers)
				}
				for subject, want := range map[v1.Hash]v1.Descriptor{whole.Digest: sbom, sbom.Digest: signed, amd.Digest: scan} {
					got, ok := referrers(t, p.to, "library/app", subject)[want.Digest]
					if !ok || got.ArtifactType != want.ArtifactType {
						t.Errorf("%s of %s: %+v", want.ArtifactType, subject, got)
					}
				}
				same(t, p.to, "library/app:sha256-"+whole.Digest.Hex+".sig", legacy.Digest)
				if tags := p.target.Requests(); !lastIsTag(tags, "/v2/library/app/manifests/1") {
					t.Error("the tag was not the last that was written")
				}

				if again := p.copies(t, o, e); again.Requests.Source != 0 || again.Present != 1 {
					t.Errorf("nothing to do: %+v", again)
				}
				if !listed {
					return // the list of a tag was overwritten by the next one
				}
				later := p.make.refer("pub/app", "application/later", whole, listed)
				o.Referrers = transfer.ReferrersAlways
				if r := p.copies(t, o, e); r.Entries[0].Referrers != 1 || r.Entries[0].Status != transfer.Copied {
					t.Errorf("a later one: %+v", r.Entries[0])
				}
				if all := referrers(t, p.to, "library/app", whole.Digest); len(all) != 2 || all[later.Digest].ArtifactType != "application/later" {
					t.Errorf("referrers in the end: %+v", all)
				}
			})
		}
	}
}

// lastIsTag says whether the last request that wrote anything was to that tag.
func lastIsTag(all []registrytest.Request, path string) bool {
	last := ""
	for _, r := range all {
		if r.Method == http.MethodPut || r.Method == http.MethodPost {
			last = r.Path
		}
	}
	return last == path
}
