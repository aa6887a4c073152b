package sign_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/sigstoretest"
	"github.com/pave-platform/pave/steps/sign"
)

const (
	issuer   = "https://token.actions.githubusercontent.com"
	identity = "https://github.com/example/app/.github/workflows/release.yaml@refs/heads/main"
	another  = "https://github.com/example/fork/.github/workflows/release.yaml@refs/heads/main"
)

// wanted asks for the identity that signs in the tests.
func (l *lab) wanted(trustedRoot string) sign.KeylessOptions {
	return sign.KeylessOptions{Ref: l.digest.String(), Registry: l.Options(), TrustedRoot: trustedRoot, Issuer: issuer, Subject: identity}
}

// TestAKeylessSignature starts each case with an image that the right identity
// signed an hour ago: its certificate has expired, and the log tells when it was
// used.
func TestAKeylessSignature(t *testing.T) {
	t.Parallel()
	type signature = sigstoretest.Signature
	cases := map[string]struct {
		spoil func(t *testing.T, l *lab, s *signature, o *sign.KeylessOptions)
		words []string // none: it holds
	}{
		"holds with an expired certificate and a log time inside": {},
		"holds with a certificate that is valid today": {spoil: func(_ *testing.T, _ *lab, s *signature, _ *sign.KeylessOptions) {
			s.At = time.Now().Add(-2 * time.Minute).Truncate(time.Second)
		}},
		"holds for a pattern of the whole subject": {spoil: func(_ *testing.T, _ *lab, _ *signature, o *sign.KeylessOptions) {
			o.Subject, o.SubjectPattern = "", `https://github\.com/example/[a-z]+/\.github/workflows/release\.yaml@refs/heads/(main|next)`
		}},
		"does not hold for a pattern of a part": {func(_ *testing.T, _ *lab, _ *signature, o *sign.KeylessOptions) {
			o.Subject, o.SubjectPattern = "", `https://github\.com/example/app/|x`
		}, []string{"signed by " + identity + " (" + issuer + ")"}},
		"does not hold for another subject": {func(_ *testing.T, _ *lab, s *signature, _ *sign.KeylessOptions) { s.Subject = another },
			[]string{"no signature by " + identity + " (" + issuer + ")", "signed by " + another + " (" + issuer + ")"}},
		"does not hold for another issuer": {func(_ *testing.T, _ *lab, s *signature, _ *sign.KeylessOptions) {
			s.Issuer = "https://gitlab.example.com"
		},
			[]string{"signed by " + identity + " (https://gitlab.example.com)"}},
		"does not hold for another image": {func(_ *testing.T, _ *lab, s *signature, _ *sign.KeylessOptions) { s.About = "sha256:" + sum },
			[]string{"about another image", "sha256:" + sum}},
		"does not hold if its payload was altered": {func(_ *testing.T, l *lab, s *signature, _ *sign.KeylessOptions) {
			s.About = "sha256:" + sum
			s.Alter = func(payload []byte) []byte {
				return bytes.ReplaceAll(payload, []byte(sum), []byte(l.digest.DigestStr()[7:]))
			}
		}, []string{"failed to verify signature"}},
		"does not hold without an entry of the log": {func(_ *testing.T, _ *lab, s *signature, _ *sign.KeylessOptions) { s.NoEntry = true },
			[]string{"it has no entry of a transparency log"}},
		"does not hold without an entry of the log, today's certificate or not": {func(_ *testing.T, _ *lab, s *signature, _ *sign.KeylessOptions) {
			s.NoEntry, s.At = true, time.Now().Add(-2*time.Minute).Truncate(time.Second)
		}, []string{"it has no entry of a transparency log"}},
		"does not hold if it was logged when the certificate had expired": {func(_ *testing.T, _ *lab, s *signature, _ *sign.KeylessOptions) {
			s.LoggedAt = time.Now().Add(-time.Minute)
		}, []string{"integrated time outside certificate validity"}},
		"does not hold without an entry of the log of certificates": {func(_ *testing.T, _ *lab, s *signature, _ *sign.KeylessOptions) { s.NoSCT = true },
			[]string{"signed certificate timestamp"}},
		"holds without one if the trusted root has no such log": {spoil: func(t *testing.T, _ *lab, s *signature, o *sign.KeylessOptions) {
			s.NoSCT = true
			var trusted map[string]json.RawMessage
			must(t, json.Unmarshal(read(t, o.TrustedRoot), &trusted))
			delete(trusted, "ctlogs")
			b, err := json.Marshal(trusted)
			must(t, err)
			o.TrustedRoot = file(t, string(b))
		}},
		"does not hold if the log is another's": {func(t *testing.T, _ *lab, _ *signature, o *sign.KeylessOptions) {
			o.TrustedRoot = sigstoretest.New(t).TrustedRoot(t)
		}, []string{"its entry of the transparency log does not hold"}},
	}
	for layout, legacy := range map[string]bool{"a bundle": false, "a .sig tag": true} {
		for name, c := range cases {
			t.Run(layout+" "+name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
				sigstore := sigstoretest.New(t)
				s := sigstoretest.Signature{Image: l.digest, Issuer: issuer, Subject: identity, Legacy: legacy}
				o := l.wanted(sigstore.TrustedRoot(t))
				if c.spoil != nil {
					c.spoil(t, l, &s, &o)
				}
				sigstore.Sign(t, s, l.Client(t).Remote(t.Context())...)
				r, err := sign.VerifyKeyless(t.Context(), o)
				if len(c.words) > 0 {
					refused(t, err, fault.Gate, append(c.words, o.Ref)...)
					if err != nil && strings.Contains(err.Error(), "\n") {
						t.Errorf("more than a line: %v", err)
					}
					return
				}
				must(t, err)
				want := sign.KeylessResult{Ref: o.Ref, Digest: l.digest.DigestStr(), Format: sign.Bundle, Issuer: issuer, Subject: identity}
				if legacy {
					want.Format = sign.Legacy
				}
				if r != want {
					t.Errorf("got %+v, want %+v", r, want)
				}
			})
		}
	}
}

func TestAKeylessSignatureNeedsATrustedCA(t *testing.T) {
	t.Parallel()
	for _, legacy := range []bool{false, true} {
		l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
		sigstore := sigstoretest.New(t)
		s := sigstoretest.Signature{Image: l.digest, Issuer: issuer, Subject: identity, Legacy: legacy}
		sigstore.WithAnotherCA(t).Sign(t, s, l.Client(t).Remote(t.Context())...)
		o := l.wanted(sigstore.TrustedRoot(t))
		_, err := sign.VerifyKeyless(t.Context(), o)
		refused(t, err, fault.Gate, "its certificate is not of a trusted CA", "CN=issuing")

		// One that holds is enough, whatever else is there.
		sigstore.Sign(t, s, l.Client(t).Remote(t.Context())...)
		_, err = sign.VerifyKeyless(t.Context(), o)
		must(t, err)
	}
}

func TestWhatIsNoKeylessSignatureOfTheImage(t *testing.T) {
	t.Parallel()
	l := newLab(t, registrytest.Distribution(t, registrytest.Options{Plain: true, Anonymous: true}))
	sigstore := sigstoretest.New(t)
	o := l.wanted(sigstore.TrustedRoot(t))
	_, err := sign.VerifyKeyless(t.Context(), o)
	refused(t, err, fault.Gate, "no signature by "+identity, "it has none")

	l.sign(t, sign.Legacy, nil)
	_, err = sign.VerifyKeyless(t.Context(), o)
	refused(t, err, fault.Gate, "signed by a key, not by an identity")
	l.sign(t, sign.Bundle, nil)
	_, err = sign.VerifyKeyless(t.Context(), o)
	refused(t, err, fault.Gate, "signed by a key, not by an identity")

	sigstore.Sign(t, sigstoretest.Signature{Image: l.digest, Issuer: issuer, Subject: identity, Type: "https://spdx.dev/Document"}, l.Client(t).Remote(t.Context())...)
	_, err = sign.VerifyKeyless(t.Context(), o)
	refused(t, err, fault.Gate, "no signature by "+identity)
}

func TestAKeylessSignatureOfTheManifestHolds(t *testing.T) {
	t.Parallel()
	l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
	manifest, err := remote.Get(l.digest, l.Client(t).Remote(t.Context())...)
	must(t, err)
	sigstore := sigstoretest.New(t)
	s := sigstoretest.Signature{Image: l.digest, Issuer: issuer, Subject: identity, AsMessage: true, Manifest: []byte("another")}
	o := l.wanted(sigstore.TrustedRoot(t))
	sigstore.Sign(t, s, l.Client(t).Remote(t.Context())...)
	_, err = sign.VerifyKeyless(t.Context(), o)
	refused(t, err, fault.Gate, "about another image, sha256:")
	s.Manifest = manifest.Manifest
	sigstore.Sign(t, s, l.Client(t).Remote(t.Context())...)
	_, err = sign.VerifyKeyless(t.Context(), o)
	must(t, err)
}

// TestARegistryThatIsSilentIsNoVerdict breaks the reading of what was signed.
func TestARegistryThatIsSilentIsNoVerdict(t *testing.T) {
	t.Parallel()
	var front registrytest.Front
	l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true, Wrap: front.Wrap}))
	sigstore := sigstoretest.New(t)
	sigstore.Sign(t, sigstoretest.Signature{Image: l.digest, Issuer: issuer, Subject: identity, Legacy: true}, l.Client(t).Remote(t.Context())...)
	o := l.wanted(sigstore.TrustedRoot(t))
	front.Break(http.MethodGet, "/blobs/", -1, registrytest.Answer(http.StatusForbidden, "{}"))
	_, err := sign.VerifyKeyless(t.Context(), o)
	refused(t, err, fault.Failed, "signatures of "+o.Ref)
	front.Heal()
	_, err = sign.VerifyKeyless(t.Context(), o)
	must(t, err)
}

func TestTheTrustedRootOfTheExampleIsRead(t *testing.T) {
	t.Parallel()
	l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
	sigstoretest.New(t).Sign(t, sigstoretest.Signature{Image: l.digest, Issuer: issuer, Subject: identity}, l.Client(t).Remote(t.Context())...)
	_, err := sign.VerifyKeyless(t.Context(), l.wanted(filepath.FromSlash("../../examples/mirror/trusted_root.json")))
	refused(t, err, fault.Gate, "its entry of the transparency log does not hold")
}

func TestBadInputOfAKeylessVerificationIsRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
	right := l.wanted(sigstoretest.New(t).TrustedRoot(t))
	none := filepath.Join(t.TempDir(), "trusted_root.json")
	bad := file(t, "-----BEGIN CERTIFICATE-----")
	must(t, os.WriteFile(none, []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`), 0o600))
	for name, c := range map[string]struct {
		spoil func(o *sign.KeylessOptions)
		want  string
	}{
		"no trusted root":             {func(o *sign.KeylessOptions) { o.TrustedRoot = "absent.json" }, "absent.json"},
		"a trusted root that is none": {func(o *sign.KeylessOptions) { o.TrustedRoot = bad }, bad + ": not Sigstore's trusted_root.json"},
		"a trusted root of nobody":    {func(o *sign.KeylessOptions) { o.TrustedRoot = none }, none + " has no certificate authority"},
		"a bad pattern":               {func(o *sign.KeylessOptions) { o.Subject, o.SubjectPattern = "", "a)|(b[" }, `"a)|(b[" is not a regular expression`},
		"no subject":                  {func(o *sign.KeylessOptions) { o.Subject = "" }, "needs a subject or a pattern"},
		"both":                        {func(o *sign.KeylessOptions) { o.SubjectPattern = "x" }, "and not both"},
		"no issuer":                   {func(o *sign.KeylessOptions) { o.Issuer = "" }, "there is no issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			o := right
			c.spoil(&o)
			_, err := sign.VerifyKeyless(t.Context(), o)
			refused(t, err, fault.Input, c.want)
		})
	}
}
