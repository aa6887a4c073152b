package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/deploy"
	"github.com/pave-platform/pave/steps/promote"
	"github.com/pave-platform/pave/steps/sign"
)

const promotedCommit = "0123456789abcdef0123456789abcdef01234567"

// promotions is a platform: a registry, a GitOps repository and a key pair.
type promotions struct {
	registry *registrytest.Registry
	git      *gittest.Server
	dir      string
}

func newPromotions(t *testing.T, start func(testing.TB, registrytest.Options) *registrytest.Registry) *promotions {
	t.Helper()
	p := &promotions{registry: start(t, registrytest.Options{}), git: gittest.Start(t, gittest.Options{TLS: true, Auth: true}), dir: t.TempDir()}
	ok(t, &sign.KeygenResult{}, "sign", "keygen", "--output-dir", p.dir)
	var bundle []byte
	for _, file := range []string{p.registry.CAFile, p.git.CAFile} {
		ca, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bundle = append(append(bundle, ca...), '\n')
	}
	writeFile(t, p.file("ca.pem"), string(bundle))
	writeFile(t, p.file("staging.yaml"), "project: shop\nenvironment: staging\nreplicas: 1\n")
	writeFile(t, p.file("production.yaml"), "project: shop\nenvironment: production\nreplicas: 3\n")
	return p
}

func (p *promotions) file(name string) string { return filepath.Join(p.dir, name) }

// push publishes a new image.
func (p *promotions) push(t *testing.T) (ref, digest string) {
	t.Helper()
	img, err := random.Image(512, 1)
	if err != nil {
		t.Fatal(err)
	}
	h, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	d, err := registry.ParseDigest(p.registry.Ref("shop/web@" + h.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(d, img, p.registry.Client(t).Remote(t.Context())...); err != nil {
		t.Fatal(err)
	}
	return d.Name(), h.String()
}

// vouch signs an image and attests what promotions ask for.
func (p *promotions) vouch(t *testing.T, ref, commit string) {
	t.Helper()
	writeFile(t, p.file("spdx.json"), `{"spdxVersion": "SPDX-2.3", "name": "web"}`)
	ok(t, &sign.ProvenanceResult{}, "sign", "provenance", "--repository", "https://git.example.com/shop/web.git", "--commit", commit, "--output", p.file("provenance.json"))
	key := append(p.registry.Flags(), "--ref", ref, "--key-file", p.file("cosign.key"))
	ok(t, &sign.ImageResult{}, append([]string{"sign", "image"}, key...)...)
	ok(t, &sign.AttestResult{}, append([]string{"sign", "attest", "--predicate", "spdx=" + p.file("spdx.json"),
		"--predicate", "slsaprovenance1=" + p.file("provenance.json")}, key...)...)
}

func (p *promotions) repository(args ...string) []string {
	return append(args, "--repository", p.git.URL, "--token-file", p.git.TokenFile, "--ca-file", p.file("ca.pem"), "--project", "shop")
}

func (p *promotions) deploy(environment, ref string) []string {
	return p.repository("deploy", "app", "--environment", environment, "--app", "web", "--image", ref, "--revision", promotedCommit,
		"--chart-repository", p.registry.Ref("shop/charts"), "--chart-version", "0.1.0", "--values", p.file(environment+".yaml"))
}

func (p *promotions) move(args ...string) []string {
	return append(p.repository("promote"), append(args, "--app", "web", "--public-key", p.file("cosign.pub"), "--require", "spdx,slsaprovenance1",
		"--registry-username", p.registry.Username, "--registry-password-file", p.registry.PasswordFile)...)
}

func (p *promotions) run() []string { return p.move("run", "--values", p.file("production.yaml")) }

// says runs a command that must fail with code and words.
func says(t *testing.T, code int, args []string, words ...string) {
	t.Helper()
	got, stdout, stderr := gateCommandLine(args...)
	if got != code || stdout != "" {
		t.Errorf("pave %s: exit %d, want %d: %s", strings.Join(args[:2], " "), got, code, stderr)
	}
	for _, w := range words {
		if !strings.Contains(stderr, w) {
			t.Errorf("pave %s does not say %q: %s", strings.Join(args[:2], " "), w, stderr)
		}
	}
}

// TestAReleaseFromStagingToProductionAndBack goes through every pave promote
// command, with real signatures in both kinds of registry.
func TestAReleaseFromStagingToProductionAndBack(t *testing.T) {
	for kind, start := range map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
		"referrers": registrytest.New, "no referrers": registrytest.Distribution,
	} {
		t.Run(kind, func(t *testing.T) {
			p := newPromotions(t, start)
			first, firstDigest := p.push(t)
			ok(t, &deploy.Result{}, p.deploy("staging", first)...)
			says(t, 3, p.run(), first+" does not verify", "no signature by this key", "no spdx attestation")

			p.vouch(t, first, promotedCommit)
			var r promote.Result
			ok(t, &r, append(p.run(), "--dry-run")...)
			if !r.Changed || r.Diff == "" || p.git.Commits(t, "main") != 1 {
				t.Errorf("dry run: %+v", r)
			}
			ok(t, &r, p.run()...)
			if !r.Changed || r.Image != first || !slices.Contains(r.Verified, "signature") || !slices.Contains(r.Verified, "spdx") || r.Revision != promotedCommit {
				t.Errorf("promotion: %+v", r)
			}
			ok(t, &r, p.run()...)
			if r.Changed || p.git.Commits(t, "main") != 2 {
				t.Errorf("again: %+v", r)
			}

			second, secondDigest := p.push(t)
			p.vouch(t, second, promotedCommit)
			ok(t, &deploy.Result{}, p.deploy("staging", second)...)
			ok(t, &r, append(p.run(), "--digest", secondDigest)...)
			var back promote.Result
			ok(t, &back, p.move("rollback", "--environment", "production", "--reason", "errors")...)
			if !back.Changed || back.Image != first || back.Previous != secondDigest {
				t.Errorf("rollback: %+v", back)
			}

			var no promote.RejectResult
			ok(t, &no, p.repository("promote", "reject", secondDigest, "--reason", "it leaks", "--by", "Eve")...)
			if !no.Changed || !slices.Equal(no.Running, []string{"staging/web"}) {
				t.Errorf("rejection: %+v", no)
			}
			word := secondDigest + " is rejected in project shop: it leaks (by Eve, "
			says(t, 3, p.run(), word)
			says(t, 3, p.deploy("staging", second), word)
			says(t, 3, append(p.deploy("production", second), "--force"), word)
			says(t, 3, append(p.deploy("production", second), "--dry-run"), word)
			says(t, 3, p.move("rollback", "--environment", "production", "--to", secondDigest), word)

			var h promote.HistoryResult
			ok(t, &h, p.repository("promote", "history", "--environment", "production", "--app", "web")...)
			if len(h.Entries) != 3 || h.Entries[2].Digest != firstDigest || !h.Entries[2].Running || h.Entries[1].Rejected == nil {
				t.Errorf("history: %+v", h)
			}
		})
	}
}

// TestAPullRequestFromTheCommandLine offers a promotion where nobody may push to the
// branch, and shows no token.
func TestAPullRequestFromTheCommandLine(t *testing.T) {
	p := newPromotions(t, registrytest.New)
	p.git = gittest.Start(t, gittest.Options{Auth: true, Protect: []string{"main"}})
	hub := forgetest.Start(t, forgetest.Options{Project: "platform", Repository: "gitops"})
	hub.Push("pave/promote/shop/web/production")
	ref, _ := p.push(t)
	p.vouch(t, ref, promotedCommit)
	ok(t, &deploy.Result{}, p.deploy("staging", ref)...)
	says(t, 1, p.run(), "the server refused the push to main", "open a pull request with --pull-request")
	offer := append(p.run(), "--pull-request", "--forge", "github", "--forge-url", hub.API(forge.GitHub), "--forge-project", "platform",
		"--forge-token-file", hub.TokenFile)
	for n := range 2 {
		var r promote.Result
		ok(t, &r, offer...)
		if r.Changed != (n == 0) || r.PullRequest == nil || r.PullRequest.Opened != (n == 0) || r.Diff == "" || p.git.Commits(t, "main") != 1 {
			t.Errorf("run %d: %+v", n+1, r)
		}
	}
	code, stdout, stderr := gateCommandLine(offer...)
	if code != 0 || !strings.Contains(stdout, "proposed before shop-production-web") || !strings.Contains(stderr, "about to promote: image ") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	gittest.NoSecret(t, stdout+stderr, hub.Token)
}

func TestAProvenanceOfAnotherCommitIsNotPromoted(t *testing.T) {
	p := newPromotions(t, registrytest.New)
	ref, _ := p.push(t)
	other := strings.Repeat("9", 40)
	p.vouch(t, ref, other)
	ok(t, &deploy.Result{}, p.deploy("staging", ref)...)
	says(t, 3, p.run(), "the provenance names commit "+other+", not "+promotedCommit)
}

func TestWhatTheRegistryDoesNotHaveIsNotPromoted(t *testing.T) {
	p := newPromotions(t, registrytest.New)
	gone := "@sha256:" + strings.Repeat("0", 64)
	for ref, c := range map[string]struct {
		code int
		word string
	}{
		p.registry.Ref("shop/web" + gone): {2, "is not in its registry; publish it first"},
		"127.0.0.1:1/shop/web" + gone:     {1, "127.0.0.1:1"},
	} {
		ok(t, &deploy.Result{}, p.deploy("staging", ref)...)
		says(t, c.code, p.run(), c.word)
	}
	if n := p.git.Commits(t, "main"); n != 2 {
		t.Errorf("%d commits, want the two deploys", n)
	}
}

func withValues(more ...string) []string {
	return append([]string{"promote", "run", "--repository", "https://127.0.0.1:1/platform/gitops.git", "--project", "shop", "--app", "web", "--values", "x.yaml"}, more...)
}

func TestPromoteCommandsRefuseBadUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a promotion without anything": {[]string{"promote", "run"}, "needs --repository, --project, --app, --values"},
		"a rollback without anything":  {[]string{"promote", "rollback"}, "needs --repository, --project, --app, --environment"},
		"a rejection without a digest": {[]string{"promote", "reject"}, "accepts 1 arg"},
		"a rejection without a reason": {[]string{"promote", "reject", "sha256:0"}, "--reason"},
		"to wait without a cluster":    {withValues("--wait"), "no cluster is given, and this is not a pod of one; give --kubeconfig-file or --kubeconfig-env"},
		"a soak without a cluster":     {withValues("--soak", "10m"), "no cluster is given"},
		"a soak that is no time":       {withValues("--soak", "10"), "invalid argument"},
		"a kubeconfig that is none":    {withValues("--kubeconfig-file", "promote_test.go"), "is not a kubeconfig"},
		"both ways at once":            {withValues("--wait", "--auto-rollback", "--no-rollback"), "say the opposite"},
		"a way back without waiting":   {withValues("--auto-rollback"), "give --wait"},
		"a pull request without forge": {withValues("--pull-request"), "there is no kind of forge"},
		"a pull request, and to wait":  {withValues("--pull-request", "--forge", "github", "--wait", "--kubeconfig-file", "x"), "x: no such file"},
		"a history without anything":   {[]string{"promote", "history"}, "needs --repository"},
	} {
		t.Run(name, func(t *testing.T) { says(t, 2, c.args, c.want) })
	}
}

func TestTheForgesNamesAreThoseOfTheRepository(t *testing.T) {
	for url, want := range map[string]string{
		"https://bitbucket.example.com/scm/PLAT/gitops.git": "PLAT gitops",
		"https://github.example.com/platform/gitops":        "platform gitops",
		"https://gitlab.example.com/a/b/gitops.git":         "a/b gitops",
		"ssh://git@git.example.com:7999/plat/gitops.git":    "plat gitops",
		"git@bitbucket.org:platform/gitops.git":             "platform gitops",
		"gitops.git":                                        " gitops",
	} {
		if project, name := forgeNames(url); project+" "+name != want {
			t.Errorf("%s: %s %s, want %s", url, project, name, want)
		}
	}
}

// TestAnImageThatIsDeletedBetweenVerificationAndCommitIsNotPromoted has it deleted
// right after the real verification.
func TestAnImageThatIsDeletedBetweenVerificationAndCommitIsNotPromoted(t *testing.T) {
	for kind, start := range map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
		"referrers": registrytest.New, "no referrers": registrytest.Distribution,
	} {
		t.Run(kind, func(t *testing.T) {
			p := newPromotions(t, start)
			ref, _ := p.push(t)
			p.vouch(t, ref, promotedCommit)
			ok(t, &deploy.Result{}, p.deploy("staging", ref)...)
			login := registry.Options{Username: p.registry.Username, Password: secret.Source{File: p.registry.PasswordFile}, CAFile: p.file("ca.pem")}
			verify := verifier(sign.VerifyOptions{Registry: login, Require: []string{"spdx"}, Key: sign.PublicKey{PEM: secret.Source{File: p.file("cosign.pub")}}})
			o := promote.Options{ValuesFile: p.file("production.yaml"), Common: promote.Common{
				Project: "shop", App: "web", Present: present(login),
				Repository: gitrepo.Options{URL: p.git.URL, Branch: "main", CAFile: p.file("ca.pem"), Token: secret.Source{File: p.git.TokenFile}, Author: gitrepo.Author{Name: "a", Email: "a@example.com"}},
				Verify: func(ctx context.Context, image, revision string) ([]string, error) {
					verified, err := verify(ctx, image, revision)
					digest, parse := registry.ParseDigest(image)
					return verified, errors.Join(err, parse, remote.Delete(digest, p.registry.Client(t).Remote(ctx)...))
				},
			}}
			_, err := promote.Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), ref+" was deleted from its registry after it was verified: nothing was done") {
				t.Error(err)
			}
			if n := p.git.Commits(t, "main"); n != 1 {
				t.Errorf("%d commits", n)
			}
		})
	}
}
