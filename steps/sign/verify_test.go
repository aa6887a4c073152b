package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/sign"
)

const (
	sum         = "4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865"
	otherCommit = "fedcba9876543210fedcba9876543210fedcba98"
)

// TestWhatDoesNotHoldIsRefused starts each case with an image that is signed,
// and attested with everything.
func TestWhatDoesNotHoldIsRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		spoil func(t *testing.T, l *lab, f sign.Format, o *sign.VerifyOptions)
		words []string
	}{
		"another key": {
			func(t *testing.T, _ *lab, _ sign.Format, o *sign.VerifyOptions) { _, o.Key = newKey(t) },
			[]string{"no signature by this key", "no spdx attestation by this key", "signature (signed by another key)", "spdx (signed by another key)"},
		},
		"a type that nobody attested": {
			func(_ *testing.T, _ *lab, _ sign.Format, o *sign.VerifyOptions) {
				o.Require = append(o.Require, "https://example.com/pentest")
			},
			[]string{"no https://example.com/pentest attestation", "spdx (verified)", "run pave sign attest"},
		},
		"another commit": {
			func(_ *testing.T, _ *lab, _ sign.Format, o *sign.VerifyOptions) { o.ProvenanceCommit = otherCommit },
			[]string{"the provenance names commit " + commit + ", not " + otherCommit},
		},
		"an image without any": {
			func(t *testing.T, l *lab, _ sign.Format, o *sign.VerifyOptions) {
				o.Ref = l.push(t, "project/app").String()
			},
			[]string{"no signature by this key", "found: nothing"},
		},
		"attestations without a signature": {
			func(t *testing.T, l *lab, f sign.Format, o *sign.VerifyOptions) {
				l.digest = l.push(t, "project/app")
				_, err := sign.Attest(t.Context(), l.target(f), facts(t))
				must(t, err)
				o.Ref = l.digest.String()
			},
			[]string{"no signature by this key", "spdx (verified)", "run pave sign image"},
		},
		"attestations of another image": {
			func(t *testing.T, l *lab, f sign.Format, o *sign.VerifyOptions) {
				from, to := l.digest, l.push(t, "project/app")
				l.digest = to
				_, err := sign.Image(t.Context(), l.target(f))
				must(t, err)
				l.transplant(t, f, from, func(b []byte) []byte { return b })
				o.Ref = to.String()
			},
			[]string{"no spdx attestation by this key", "spdx (about another image, sha256:", "signature (verified)"},
		},
		"altered attestations": {
			func(t *testing.T, l *lab, f sign.Format, o *sign.VerifyOptions) {
				from, to := l.digest, l.push(t, "project/app")
				l.digest = to
				_, err := sign.Image(t.Context(), l.target(f))
				must(t, err)
				l.transplant(t, f, from, func(payload []byte) []byte {
					return bytes.ReplaceAll(payload, []byte(from.DigestStr()[7:]), []byte(to.DigestStr()[7:]))
				})
				o.Ref = to.String()
			},
			[]string{"no spdx attestation by this key"},
		},
	}
	for _, format := range []sign.Format{sign.Bundle, sign.Legacy} {
		for name, c := range cases {
			t.Run(string(format)+" "+name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
				l.sign(t, format, facts(t))
				o := l.verification("spdx", "slsaprovenance1")
				o.ProvenanceCommit = commit
				if _, err := sign.Verify(t.Context(), o); err != nil {
					t.Fatalf("unspoilt: %v", err)
				}
				o.Output = t.TempDir() + "/out"
				c.spoil(t, l, format, &o)
				_, err := sign.Verify(t.Context(), o)
				refused(t, err, fault.Gate, append(c.words, o.Ref)...)
				if err != nil && format == sign.Bundle && name == "altered attestations" && !strings.Contains(err.Error(), "altered after it was signed by this key") {
					t.Errorf("it does not say that it was altered: %v", err)
				}
			})
		}
	}
}

// transplant puts the attestations of another image under l's, with their
// payloads changed by alter.
func (l *lab) transplant(t *testing.T, f sign.Format, from name.Digest, alter func(payload []byte) []byte) {
	t.Helper()
	remoteOptions := l.Client(t).Remote(t.Context())
	if f == sign.Legacy {
		tag := func(d name.Digest) name.Tag {
			return d.Context().Tag(strings.Replace(d.DigestStr(), ":", "-", 1) + ".att")
		}
		img, err := remote.Image(tag(from), remoteOptions...)
		must(t, err)
		m, err := img.Manifest()
		must(t, err)
		copied := v1.Image(empty.Image)
		for _, d := range m.Layers {
			content := l.reseal(t, l.blob(t, d), alter, "payload")
			copied, err = mutate.Append(copied, mutate.Addendum{Layer: static.NewLayer(content, d.MediaType), Annotations: d.Annotations})
			must(t, err)
		}
		must(t, remote.Write(tag(l.digest), copied, remoteOptions...))
		return
	}
	to := l.digest
	l.digest = from
	found := l.referrers(t)
	l.digest = to
	for _, d := range found {
		got, err := remote.Get(from.Context().Digest(d.Digest.String()), remoteOptions...)
		must(t, err)
		m, err := v1.ParseManifest(bytes.NewReader(got.Manifest))
		must(t, err)
		layer := static.NewLayer(l.reseal(t, l.blob(t, m.Layers[0]), alter, "dsseEnvelope", "payload"), m.Layers[0].MediaType)
		must(t, remote.WriteLayer(to.Context(), layer, remoteOptions...))
		m.Layers[0].Digest, err = layer.Digest()
		must(t, err)
		m.Layers[0].Size, err = layer.Size()
		must(t, err)
		m.Subject.Digest, err = v1.NewHash(to.DigestStr())
		must(t, err)
		raw, err := json.Marshal(m)
		must(t, err)
		h, _, err := v1.SHA256(bytes.NewReader(raw))
		must(t, err)
		must(t, remote.Put(to.Context().Digest(h.String()), manifest(raw), remoteOptions...))
	}
}

// manifest is one to put as it is.
type manifest []byte

func (m manifest) RawManifest() ([]byte, error)      { return m, nil }
func (manifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (l *lab) blob(t *testing.T, d v1.Descriptor) []byte {
	t.Helper()
	layer, err := remote.Layer(l.digest.Context().Digest(d.Digest.String()), l.Client(t).Remote(t.Context())...)
	must(t, err)
	content, err := layer.Compressed()
	must(t, err)
	defer content.Close()
	raw, err := io.ReadAll(content)
	must(t, err)
	return raw
}

// reseal changes the base64 payload at path in a JSON document.
func (l *lab) reseal(t *testing.T, document []byte, alter func([]byte) []byte, path ...string) []byte {
	t.Helper()
	var whole map[string]any
	must(t, json.Unmarshal(document, &whole))
	at := whole
	for _, p := range path[:len(path)-1] {
		at = at[p].(map[string]any)
	}
	last := path[len(path)-1]
	payload, err := base64.StdEncoding.DecodeString(at[last].(string))
	must(t, err)
	at[last] = base64.StdEncoding.EncodeToString(alter(payload))
	changed, err := json.Marshal(whole)
	must(t, err)
	return changed
}

func TestTheProvenanceOfOneOfTwoCommitsIsEnough(t *testing.T) {
	t.Parallel()
	l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
	l.sign(t, sign.Bundle, []sign.Predicate{{Type: "slsaprovenance1", Path: provenance(t, otherCommit)}})
	l.sign(t, sign.Bundle, []sign.Predicate{{Type: "slsaprovenance1", Path: provenance(t, commit)}})
	for _, c := range []string{commit, otherCommit} {
		o := l.verification()
		o.ProvenanceCommit, o.Output = c, t.TempDir()
		r, err := sign.Verify(t.Context(), o)
		must(t, err)
		if got := read(t, r.Attestations[0].Path); !bytes.Contains(got, []byte(c)) {
			t.Errorf("the predicate written is not the one that names %s", c)
		}
	}
}

func TestAnImageInBothLayoutsVerifiesByItsBundles(t *testing.T) {
	t.Parallel()
	l := newLab(t, registrytest.Distribution(t, registrytest.Options{Plain: true, Anonymous: true}))
	l.sign(t, sign.Legacy, facts(t)[:1])
	l.sign(t, sign.Bundle, nil)
	r, err := sign.Verify(t.Context(), l.verification("spdx"))
	must(t, err)
	if r.Signature.Format != sign.Bundle || r.Attestations[0].Format != sign.Legacy {
		t.Errorf("verify says %+v", r)
	}
}

func TestBadInputIsRefusedBeforeTheRegistryIsAsked(t *testing.T) {
	t.Parallel()
	pinned := "127.0.0.1:1/a/b@sha256:" + sum
	_, public := newKey(t)
	private, _ := newKey(t)
	spdx := func(content string) []sign.Predicate { return []sign.Predicate{{Type: "spdx", Path: file(t, content)}} }
	for name, c := range map[string]struct {
		do    func() error
		words string
	}{
		"an image by tag, to sign": {
			func() error {
				_, err := sign.Image(t.Context(), sign.Target{Ref: "127.0.0.1:1/a/b:1", Key: private})
				return err
			}, "not pinned by digest",
		},
		"an image by tag, to verify": {
			func() error {
				_, err := sign.Verify(t.Context(), sign.VerifyOptions{Ref: "127.0.0.1:1/a/b:1", Key: public})
				return err
			}, "not pinned by digest",
		},
		"an unknown format": {
			func() error {
				_, err := sign.Image(t.Context(), sign.Target{Ref: pinned, Key: private, Format: "gpg"})
				return err
			}, `"gpg" is unknown`,
		},
		"a transparency log that is no URL": {
			func() error {
				_, err := sign.Image(t.Context(), sign.Target{Ref: pinned, Key: private, RekorURL: "rekor"})
				return err
			}, "https://rekor.example.com",
		},
		"no public key": {
			func() error {
				_, err := sign.Verify(t.Context(), sign.VerifyOptions{Ref: pinned})
				return err
			}, "give --public-key",
		},
		"a public key that is none": {
			func() error {
				_, err := sign.Verify(t.Context(), sign.VerifyOptions{Ref: pinned, Key: sign.PublicKey{PEM: secret.Source{File: file(t, "no")}}})
				return err
			}, "not a PEM public key",
		},
		"a public key that is not there": {
			func() error {
				_, err := sign.Verify(t.Context(), sign.VerifyOptions{Ref: pinned, Key: sign.PublicKey{PEM: secret.Source{File: "no-such.pub"}}})
				return err
			}, "public key: open no-such.pub",
		},
		"an unknown required type": {
			func() error {
				_, err := sign.Verify(t.Context(), sign.VerifyOptions{Ref: pinned, Key: public, Require: []string{"sbom"}})
				return err
			}, `"sbom" is unknown; use spdx, cyclonedx`,
		},
		"an abbreviated commit": {
			func() error {
				_, err := sign.Verify(t.Context(), sign.VerifyOptions{Ref: pinned, Key: public, ProvenanceCommit: "0123456"})
				return err
			}, "not a full Git commit hash",
		},
		"no predicate":                  {attesting(t, pinned, private, nil), "no predicate"},
		"a predicate that is no JSON":   {attesting(t, pinned, private, spdx("spdx")), "is not a JSON object"},
		"a predicate that is a list":    {attesting(t, pinned, private, spdx("[]")), "is not a JSON object"},
		"a predicate that is null":      {attesting(t, pinned, private, spdx("null")), "is not a JSON object"},
		"a predicate of another type":   {attesting(t, pinned, private, spdx(`{"bomFormat":"CycloneDX"}`)), "has no spdxVersion; give an SPDX document"},
		"a predicate that is missing":   {attesting(t, pinned, private, []sign.Predicate{{Type: "vuln", Path: "no-such-file"}}), "no-such-file"},
		"a type given twice":            {attesting(t, pinned, private, append(spdx(`{"spdxVersion":"1"}`), spdx(`{"spdxVersion":"2"}`)...)), "given twice"},
		"the predicate type of signing": {attesting(t, pinned, private, []sign.Predicate{{Type: "https://sigstore.dev/cosign/sign/v1", Path: file(t, "{}")}}), "pave sign image"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, c.do(), fault.Input, c.words) })
	}
}

func attesting(t *testing.T, ref string, key sign.Key, predicates []sign.Predicate) func() error {
	return func() error {
		_, err := sign.Attest(t.Context(), sign.Target{Ref: ref, Key: key}, predicates)
		return err
	}
}

func TestRegistryTroubleSaysWhatToDo(t *testing.T) {
	t.Parallel()
	l := newLab(t, registrytest.Distribution(t, registrytest.Options{}))
	for name, c := range map[string]struct {
		spoil func(*sign.Target)
		kind  fault.Kind
		words []string
	}{
		"an image that is not there": {func(s *sign.Target) { s.Ref = l.Ref("project/app@sha256:" + sum) }, fault.Input, []string{sum, "publish it first"}},
		"an unknown authority":       {func(s *sign.Target) { s.Registry.CAFile = "" }, fault.Failed, []string{"unknown authority", "--ca-file"}},
		"a wrong password": {func(s *sign.Target) {
			s.Registry.Password = secret.Source{File: file(t, "wrong")}
		}, fault.Failed, []string{"refused the credentials", "--registry-username"}},
		"nobody there": {func(s *sign.Target) { s.Ref = "127.0.0.1:1/a/b@sha256:" + sum }, fault.Failed, []string{"refuses connections"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := l.target(sign.Bundle)
			c.spoil(&s)
			_, err := sign.Image(t.Context(), s)
			refused(t, err, c.kind, c.words...)
		})
	}
}
