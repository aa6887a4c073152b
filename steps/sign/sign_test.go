package sign_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/sign"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// lab is a registry with an image, and a key pair.
type lab struct {
	*registrytest.Registry
	digest  name.Digest
	private sign.Key
	public  sign.PublicKey
}

// kinds are the registries that differ where signatures do.
var kinds = map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
	"with referrers":    registrytest.New,
	"without referrers": registrytest.Distribution,
}

func newLab(t *testing.T, r *registrytest.Registry) *lab {
	t.Helper()
	l := &lab{Registry: r}
	l.private, l.public = newKey(t)
	l.digest = l.push(t, "project/app")
	return l
}

// newKey makes a key pair in plain PEM, which is quicker than an encrypted one.
func newKey(t *testing.T) (sign.Key, sign.PublicKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	must(t, err)
	return sign.Key{PEM: secret.Source{File: file(t, encode("PRIVATE KEY", private))}},
		sign.PublicKey{PEM: secret.Source{File: file(t, encode("PUBLIC KEY", public))}}
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// push publishes a new image.
func (l *lab) push(t *testing.T, repository string) name.Digest {
	t.Helper()
	img, err := random.Image(512, 1)
	must(t, err)
	h, err := img.Digest()
	must(t, err)
	ref, err := name.NewDigest(l.Ref(repository) + "@" + h.String())
	must(t, err)
	must(t, remote.Write(ref, img, l.Client(t).Remote(t.Context())...))
	return ref
}

func (l *lab) target(f sign.Format) sign.Target {
	return sign.Target{Ref: l.digest.String(), Registry: l.Options(), Key: l.private, Format: f}
}

func (l *lab) verification(require ...string) sign.VerifyOptions {
	return sign.VerifyOptions{Ref: l.digest.String(), Registry: l.Options(), Key: l.public, Require: require}
}

// manifests counts what the registry holds about the image: referrers, and
// layers under the legacy tags.
func (l *lab) manifests(t *testing.T) int {
	t.Helper()
	n := len(l.referrers(t))
	for _, suffix := range []string{".sig", ".att"} {
		tag := l.digest.Context().Tag(strings.Replace(l.digest.DigestStr(), ":", "-", 1) + suffix)
		got, err := remote.Get(tag, l.Client(t).Remote(t.Context())...)
		if err != nil {
			continue
		}
		m, err := v1.ParseManifest(bytes.NewReader(got.Manifest))
		must(t, err)
		n += len(m.Layers)
	}
	return n
}

func (l *lab) referrers(t *testing.T) []v1.Descriptor {
	t.Helper()
	index, err := remote.Referrers(l.digest, l.Client(t).Remote(t.Context())...)
	must(t, err)
	m, err := index.IndexManifest()
	must(t, err)
	return m.Manifests
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// facts are one small predicate of each type.
func facts(t *testing.T) []sign.Predicate {
	t.Helper()
	return []sign.Predicate{
		{Type: "spdx", Path: file(t, `{"spdxVersion": "SPDX-2.3", "name": "app"}`)},
		{Type: "cyclonedx", Path: file(t, `{"bomFormat": "CycloneDX", "specVersion": "1.6"}`)},
		{Type: "vuln", Path: file(t, `{"SchemaVersion": 2, "Trivy": {"Version": "0.72.0"}, "ArtifactName": "app", "CreatedAt": "2026-01-02T03:04:05Z", "Results": []}`)},
		{Type: "slsaprovenance1", Path: provenance(t, commit)},
		{Type: "https://example.com/review/v1", Path: file(t, `{"approved": true}`)},
	}
}

func provenance(t *testing.T, commit string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "provenance.json")
	_, err := sign.Provenance(t.Context(), sign.ProvenanceOptions{
		Repository: "https://git.example.com/team/app.git", Commit: commit, Output: path,
	})
	must(t, err)
	return path
}

var allTypes = []string{"spdx", "cyclonedx", "vuln", "slsaprovenance1", "https://example.com/review/v1"}

func TestWhatIsSignedAndAttestedVerifies(t *testing.T) {
	t.Parallel()
	for kind, start := range kinds {
		for _, format := range []sign.Format{sign.Bundle, sign.Legacy} {
			t.Run(kind+" as "+string(format), func(t *testing.T) {
				l := newLab(t, start(t, registrytest.Options{}))
				signed, err := sign.Image(t.Context(), l.target(format))
				must(t, err)
				if !signed.Signed || signed.Format != format || signed.Digest != l.digest.DigestStr() {
					t.Errorf("sign says %+v", signed)
				}
				attested, err := sign.Attest(t.Context(), l.target(format), facts(t))
				must(t, err)
				if len(attested.Attestations) != len(allTypes) {
					t.Fatalf("attest says %+v", attested)
				}
				for i, a := range attested.Attestations {
					if !a.Added || a.Type != allTypes[i] {
						t.Errorf("attest says %+v, want %s added", a, allTypes[i])
					}
				}

				o := l.verification(allTypes...)
				o.ProvenanceCommit, o.Output = commit, t.TempDir()
				verified, err := sign.Verify(t.Context(), o)
				must(t, err)
				if !verified.Signature.Verified || verified.Signature.Format != format || len(verified.Attestations) != len(allTypes) {
					t.Errorf("verify says %+v", verified)
				}
				for _, a := range verified.Attestations {
					if !a.Verified || a.Format != format || !json.Valid(read(t, a.Path)) {
						t.Errorf("verify says %+v", a)
					}
				}
				if got := read(t, filepath.Join(o.Output, "vuln.json")); !bytes.Contains(got, []byte(`"scanFinishedOn":"2026-01-02T03:04:05Z"`)) {
					t.Errorf("Trivy's report is not attested as a vulnerability record: %s", got)
				}
			})
		}
	}
}

func TestASecondRunAddsNothing(t *testing.T) {
	t.Parallel()
	for kind, start := range kinds {
		for _, format := range []sign.Format{sign.Bundle, sign.Legacy} {
			t.Run(kind+" as "+string(format), func(t *testing.T) {
				l := newLab(t, start(t, registrytest.Options{Plain: true, Anonymous: true}))
				predicates := facts(t)
				l.sign(t, format, predicates)
				before := l.manifests(t)
				if before != 1+len(predicates) {
					t.Fatalf("the first run left %d manifests", before)
				}
				// The same fact, written differently.
				predicates[0].Path = file(t, `{"name":"app","spdxVersion":"SPDX-2.3"}`)
				r, a := l.sign(t, format, predicates)
				if r.Signed {
					t.Error("the image is signed again")
				}
				for _, one := range a.Attestations {
					if one.Added {
						t.Errorf("%s is attested again", one.Type)
					}
				}
				if after := l.manifests(t); after != before {
					t.Errorf("the second run left %d manifests, the first %d", after, before)
				}
				// Another fact of the same type is added.
				other, err := sign.Attest(t.Context(), l.target(format), []sign.Predicate{{Type: "spdx", Path: file(t, `{"spdxVersion":"SPDX-2.3","name":"other"}`)}})
				must(t, err)
				if !other.Attestations[0].Added || l.manifests(t) != before+1 {
					t.Error("another predicate of the same type is not added")
				}
			})
		}
	}
}

func TestASecondKeySignsBesideTheFirst(t *testing.T) {
	t.Parallel()
	for _, format := range []sign.Format{sign.Bundle, sign.Legacy} {
		l := newLab(t, registrytest.Distribution(t, registrytest.Options{Plain: true, Anonymous: true}))
		l.sign(t, format, nil)
		first := l.public
		l.private, l.public = newKey(t)
		if r, _ := l.sign(t, format, nil); !r.Signed {
			t.Errorf("%s: the second key's signature is not added", format)
		}
		for _, key := range []sign.PublicKey{first, l.public} {
			o := l.verification()
			o.Key = key
			if _, err := sign.Verify(t.Context(), o); err != nil {
				t.Errorf("%s: %v", format, err)
			}
		}
	}
}

// sign signs, and attests the predicates if there are some.
func (l *lab) sign(t *testing.T, f sign.Format, predicates []sign.Predicate) (sign.ImageResult, sign.AttestResult) {
	t.Helper()
	r, err := sign.Image(t.Context(), l.target(f))
	must(t, err)
	if len(predicates) == 0 {
		return r, sign.AttestResult{}
	}
	a, err := sign.Attest(t.Context(), l.target(f), predicates)
	must(t, err)
	return r, a
}

// refused wants an error of a kind that holds all the words.
func refused(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("it is accepted; want an error with %q", words)
		return
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("exit %d, want %d: %v", got, kind, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error lacks %q: %v", w, err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
