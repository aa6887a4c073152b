package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/html"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/sign"
)

const commit = "c0ffee0123456789abcdef0123456789abcdef01"

// TestDemo tests what `make demo` leaves in out/demo, with no more than is in it.
func TestDemo(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "demo")
	dagger(t, platform.repository, "call", "demo", "--commit="+commit, "export", "--path="+out).succeed(t)
	summary := readSummary(t, out)
	t.Run("the summary says what was done", func(t *testing.T) { summary.check(t) })
	t.Run("the page needs nothing but itself", func(t *testing.T) { checkPage(t, filepath.Join(out, "report", "report.html")) })
	t.Run("the manifests name the image", func(t *testing.T) { checkManifests(t, out, summary.Image.Ref) })
	t.Run("the layout verifies without the registry it comes from", func(t *testing.T) { checkLayout(t, out, summary.Image.Digest) })
}

// summary is the part of summary.json that other tools may rely on.
type summary struct {
	Image struct{ Ref, Digest string }
	SBOM  struct{ Packages int }
	Scan  struct {
		Critical *int
		Database struct {
			Name      string
			UpdatedAt string
		}
	}
	Signature    struct{ Verified bool }
	Attestations []struct {
		Type     string
		Verified bool
	}
	Chart  struct{ Ref string }
	Deploy struct{ Commit string }
}

func readSummary(t *testing.T, out string) (s summary) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(out, "summary.json"))
	must(t, err)
	must(t, json.Unmarshal(content, &s))
	return s
}

func (s summary) check(t *testing.T) {
	for what, c := range map[string]struct{ got, want string }{
		"the image's digest":    {s.Image.Digest, `^sha256:[0-9a-f]{64}$`},
		"the image's reference": {s.Image.Ref, `^[^/]+/demo/hello-go@` + s.Image.Digest + `$`},
		"the database's name":   {s.Scan.Database.Name, `.`},
		"the database's age":    {s.Scan.Database.UpdatedAt, `^20\d\d-`},
		"the chart's reference": {s.Chart.Ref, `/platform-app(:[^@]+)?@sha256:[0-9a-f]{64}$`},
		"the deploy's commit":   {s.Deploy.Commit, `^[0-9a-f]{40}$`},
	} {
		if !regexp.MustCompile(c.want).MatchString(c.got) {
			t.Errorf("%s is %q, want %s", what, c.got, c.want)
		}
	}
	if s.SBOM.Packages < 2 {
		t.Errorf("%d packages", s.SBOM.Packages)
	}
	if s.Scan.Critical == nil || *s.Scan.Critical > 3 {
		t.Errorf("critical: %v", s.Scan.Critical)
	}
	if !s.Signature.Verified {
		t.Error("the signature is not verified")
	}
	var types []string
	for _, a := range s.Attestations {
		if a.Verified {
			types = append(types, a.Type)
		}
	}
	slices.Sort(types)
	if want := []string{"cyclonedx", "slsaprovenance1", "spdx", "vuln"}; !slices.Equal(types, want) {
		t.Errorf("verified attestations %q, want %q", types, want)
	}
}

// checkPage finds what a browser would fetch.
func checkPage(t *testing.T, file string) {
	content, err := os.ReadFile(file)
	must(t, err)
	page := html.NewTokenizer(bytes.NewReader(content))
	for page.Next() != html.ErrorToken {
		token := page.Token()
		for _, a := range token.Attr {
			fetches := slices.Contains([]string{"src", "srcset", "poster", "data", "background", "action"}, a.Key) ||
				a.Key == "href" && token.Data != "a"
			if fetches && !strings.HasPrefix(a.Val, "data:") && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("<%s %s=%q> is outside the page", token.Data, a.Key, a.Val)
			}
		}
	}
	if err := page.Err(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if found := regexp.MustCompile(`@import|url\(\s*["']?(https?:|//)`).Find(content); found != nil {
		t.Errorf("a style sheet has %s", found)
	}
}

func checkManifests(t *testing.T, out, ref string) {
	var application struct {
		Kind     string
		Metadata struct{ Name string }
	}
	content, err := os.ReadFile(filepath.Join(out, "application.yaml"))
	must(t, err)
	must(t, yaml.Unmarshal(content, &application))
	if application.Kind != "Application" || !strings.Contains(string(content), ref) {
		t.Errorf("application.yaml is a %s that deploys another image:\n%s", application.Kind, content)
	}

	content, err = os.ReadFile(filepath.Join(out, "manifests.yaml"))
	must(t, err)
	var kinds []string
	for documents := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var object struct{ Kind string }
		err := documents.Decode(&object)
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		kinds = append(kinds, object.Kind)
	}
	for _, kind := range []string{"Deployment", "Service", "ServiceAccount", "IngressRoute"} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("there is no %s among %q", kind, kinds)
		}
	}
	if !strings.Contains(string(content), ref) {
		t.Errorf("manifests.yaml does not name %s", ref)
	}
}

// checkLayout copies the layout into another registry and verifies it there with the
// public key.
func checkLayout(t *testing.T, out, digest string) {
	path, err := layout.FromPath(filepath.Join(out, "oci"))
	must(t, err)
	index, err := path.ImageIndex()
	must(t, err)
	manifests, err := index.IndexManifest()
	must(t, err)

	other := registrytest.New(t, registrytest.Options{})
	options := other.Client(t).Remote(t.Context())
	referrers := 0
	for _, d := range manifests.Manifests {
		image, err := index.Image(d.Digest)
		must(t, err)
		manifest, err := image.Manifest()
		must(t, err)
		if s := manifest.Subject; s != nil && s.Digest.String() == digest {
			referrers++
		}
		push(t, other.Ref("copied/hello-go@"+d.Digest.String()), image, options)
	}
	if referrers < 5 {
		t.Errorf("%d manifests refer to the image, want a signature and four attestations", referrers)
	}
	verified, err := sign.Verify(t.Context(), sign.VerifyOptions{
		Ref: other.Ref("copied/hello-go@" + digest), Registry: other.Options(),
		Key:              sign.PublicKey{PEM: secret.Source{File: filepath.Join(out, "cosign.pub")}},
		Require:          []string{"spdx", "cyclonedx", "vuln", "slsaprovenance1"},
		ProvenanceCommit: commit,
	})
	if err != nil || !verified.Signature.Verified {
		t.Errorf("verified: %+v, %v", verified, err)
	}
}

func push(t *testing.T, ref string, image v1.Image, options []remote.Option) {
	t.Helper()
	digest, err := name.NewDigest(ref)
	must(t, err)
	must(t, remote.Write(digest, image, options...))
}
