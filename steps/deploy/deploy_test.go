package deploy_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/deploy"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

const path = "apps/shop/staging/web/application.yaml"

const values = `team: checkout
project: shop
environment: staging
image:
  repository: registry.example.internal/shop/web
replicas: 2
env:
  FEATURE: "yes"
  LIMIT: "1000000"
bytes: 123456789012345678
`

// digest makes a digest that is told apart by its first digits.
func digest(n int) string { return fmt.Sprintf("sha256:%04d%060d", n, 0) }

func image(n int) string { return "registry.example.internal/shop/web@" + digest(n) }

// options is a good deploy of the application web.
func options(t testing.TB, s *gittest.Server) deploy.Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o644); err != nil {
		t.Fatal(err)
	}
	return deploy.Options{
		Repository: gitrepo.Options{
			URL: s.URL, Branch: "main", CAFile: s.CAFile, Username: s.Username, Token: secret.Source{File: s.TokenFile},
			Author: gitrepo.Author{Name: "pave", Email: "pave@example.com"},
		},
		Project: "shop", Environment: "staging", App: "web",
		Chart:      gitops.Chart{Repository: "registry.example.internal/shop/charts", Name: "platform-app", Version: "0.1.0"},
		ValuesFile: file, Image: image(1), Revision: "0123456789abcdef0123456789abcdef01234567",
	}
}

func run(t *testing.T, o deploy.Options) deploy.Result {
	t.Helper()
	r, err := deploy.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDeployCommitsAnApplication(t *testing.T) {
	s := gittest.Start(t, gittest.Options{TLS: true, Auth: true})
	o := options(t, s)
	o.Output = filepath.Join(t.TempDir(), "application.yaml")
	r := run(t, o)
	copied, err := os.ReadFile(o.Output)
	if err != nil {
		t.Fatal(err)
	}
	want := deploy.Result{
		Repository: s.URL, Branch: "main", Path: path, Application: "shop-staging-web", Namespace: "shop-staging",
		Image: image(1), Chart: "registry.example.internal/shop/charts/platform-app:0.1.0",
		Commit: s.Head(t, "main"), Changed: true, Attempts: 1, Manifest: string(copied),
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Errorf("result: %s", d)
	}
	if got := s.File(t, "main", path); got+"\n" != string(copied) {
		t.Errorf("the copy differs from the commit:\n%s", cmp.Diff(got, string(copied)))
	}
	golden(t, "application.yaml", copied)
	golden(t, "message.txt", []byte(s.Git(t, "log", "-1", "--format=%an <%ae>%n%B", "main")+"\n"))
}

func TestACanarysWeightsAreNotArgoCDs(t *testing.T) {
	const ignored = ".spec.weighted.services[].weight"
	s := gittest.Start(t, gittest.Options{})
	o := options(t, s)
	if r := run(t, o); strings.Contains(r.Manifest, ignored) {
		t.Errorf("without a canary:\n%s", r.Manifest)
	}
	if err := os.WriteFile(o.ValuesFile, []byte(values+"rollout: {strategy: canary}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := run(t, o); !strings.Contains(r.Manifest, ignored) || !strings.Contains(r.Manifest, "- RespectIgnoreDifferences=true") {
		t.Errorf("with a canary:\n%s", r.Manifest)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *updateGolden {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func TestUnchangedDeployMakesNoCommit(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := options(t, s)
	first := run(t, o)
	second := run(t, o)
	if second.Changed || second.Commit != first.Commit || s.Commits(t, "main") != 1 || s.Pushes() != 1 {
		t.Errorf("%+v after %+v: %d commits, %d pushes", second, first, s.Commits(t, "main"), s.Pushes())
	}
	o.Image = image(2)
	if third := run(t, o); !third.Changed || s.Commits(t, "main") != 2 {
		t.Errorf("another image: %+v", third)
	}
	if diff := s.Git(t, "diff", "--stat", "main~1", "main"); !strings.Contains(diff, "1 file changed") {
		t.Errorf("a deploy changes more than one file: %s", diff)
	}
}

func TestDryRunShowsTheDifferenceAndPushesNothing(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := options(t, s)
	head := run(t, o).Commit
	o.Image, o.DryRun = image(2), true
	r := run(t, o)
	for _, line := range []string{"--- a/" + path, "+++ b/" + path, "-          digest: " + digest(1), "+          digest: " + digest(2)} {
		if !strings.Contains(r.Diff, line+"\n") {
			t.Errorf("the difference lacks %q:\n%s", line, r.Diff)
		}
	}
	if !r.Changed || !r.DryRun || r.Commit != head || s.Head(t, "main") != head {
		t.Errorf("%+v, and main is at %s", r, s.Head(t, "main"))
	}
	o.Image = image(1)
	if r := run(t, o); r.Changed || r.Diff != "" {
		t.Errorf("a dry run that changes nothing: %+v", r)
	}
}

func TestConcurrentDeploysOfDifferentApplicationsAllLand(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"README.md": "deployments\n"})
	const apps = 16
	var wg sync.WaitGroup
	for i := range apps {
		o := options(t, s)
		o.App = fmt.Sprintf("web-%d", i)
		wg.Go(func() {
			if r, err := deploy.Run(t.Context(), o); err != nil || !r.Changed {
				t.Errorf("%s: %+v, %v", o.App, r, err)
			}
		})
	}
	wg.Wait()
	if n := s.Commits(t, "main"); n != apps+1 {
		t.Errorf("%d commits, want %d", n, apps+1)
	}
	if n := strings.Count(s.Git(t, "ls-tree", "-r", "--name-only", "main"), "/application.yaml"); n != apps {
		t.Errorf("%d applications, want %d", n, apps)
	}
}

func TestConcurrentDeploysOfOneApplicationFollowEachOther(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	const deploys = 6
	var wg sync.WaitGroup
	for i := range deploys {
		o := options(t, s)
		o.Image = image(i)
		wg.Go(func() {
			if r, err := deploy.Run(t.Context(), o); err != nil || !r.Changed {
				t.Errorf("image %d: %+v, %v", i, r, err)
			}
		})
	}
	wg.Wait()
	if n := s.Commits(t, "main"); n != deploys {
		t.Errorf("%d commits, want %d", n, deploys)
	}
	for i := range deploys {
		if s.Git(t, "log", "--format=%H", "--fixed-strings", "--grep", "Image: "+image(i), "main") == "" {
			t.Errorf("the deploy of image %d is lost", i)
		}
	}
}

func TestAnEditByHandIsNotOverwrittenUnasked(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := options(t, s)
	run(t, o)
	edited := strings.Replace(s.File(t, "main", path), "replicas: 2", "replicas: 7", 1)
	head := s.Commit(t, "main", "more replicas", map[string]string{path: edited})
	o.Image = image(2)
	_, err := deploy.Run(t.Context(), o)
	if err == nil || fault.KindOf(err) != fault.Failed {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{path + ": somebody edited", "--force", "revert", "\n-        replicas: 7\n", "\n+        replicas: 2\n"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q:\n%v", part, err)
		}
	}
	if s.Head(t, "main") != head {
		t.Error("the branch moved")
	}
	o.Force = true
	if r := run(t, o); !r.Changed || strings.Contains(s.File(t, "main", path), "replicas: 7") {
		t.Errorf("with force: %+v", r)
	}
	o.Force, o.Image = false, image(3)
	run(t, o) // after which the file is pave's again
}

func TestARevertedEditIsNoConflict(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := options(t, s)
	run(t, o)
	original := s.File(t, "main", path)
	s.Commit(t, "main", "edit", map[string]string{path: original + "\n# a note"})
	s.Commit(t, "main", "revert", map[string]string{path: original})
	o.Image = image(2)
	run(t, o)
}

func TestAnEditDuringTheDeployIsSeenToo(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := options(t, s)
	run(t, o)
	s.BeforePush(func() { s.Commit(t, "main", "edit", map[string]string{path: "kind: Application\n"}) })
	o.Image = image(2)
	_, err := deploy.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "somebody else than pave wrote the file") {
		t.Errorf("got %v", err)
	}
}

func TestTwoTargetsWithOneNameAreRefused(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := options(t, s)
	if err := os.WriteFile(o.ValuesFile, []byte("team: checkout\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Project, o.Environment = "shop-eu", "staging"
	run(t, o)
	o.Project, o.Environment = "shop", "eu-staging"
	_, err := deploy.Run(t.Context(), o)
	if fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "apps/shop-eu/staging/web/application.yaml is the first") {
		t.Errorf("got %v", err)
	}
}

func TestSecretsAppearNowhere(t *testing.T) {
	s := gittest.Start(t, gittest.Options{Auth: true, Protect: []string{"main"}})
	o := options(t, s)
	o.Output = filepath.Join(t.TempDir(), "application.yaml")
	var seen bytes.Buffer
	r := run(t, o)
	r.Summary(&seen)
	o.Image = image(2)
	_, refused := deploy.Run(t.Context(), o)
	o.Repository.URL += "-missing"
	_, missing := deploy.Run(t.Context(), o)
	o.Repository.URL = strings.Replace(s.URL, "http://", "http://user:"+s.Token+"@", 1)
	_, inURL := deploy.Run(t.Context(), o)
	fmt.Fprintf(&seen, "%+v\n%v\n%v\n%v\n", r, refused, missing, inURL)
	if refused == nil || missing == nil || inURL == nil {
		t.Fatalf("a fault went unseen:\n%s", &seen)
	}
	copied, err := os.ReadFile(o.Output)
	if err != nil {
		t.Fatal(err)
	}
	seen.Write(copied)
	seen.WriteString(s.Git(t, "log", "-p", "main"))
	gittest.NoSecret(t, seen.String(), s.Token)
}

func TestARejectedDigestIsNotDeployed(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "reject", map[string]string{gitops.RejectedPath("shop"): "rejected: [{digest: '" + digest(1) +
		"', reason: it leaks, by: Eve, at: '2026-02-03T04:05:06Z'}]\n"})
	for name, spoil := range map[string]func(*deploy.Options){
		"a deploy": func(*deploy.Options) {}, "by force": func(o *deploy.Options) { o.Force = true }, "in a dry run": func(o *deploy.Options) { o.DryRun = true },
	} {
		o := options(t, s)
		spoil(&o)
		_, err := deploy.Run(t.Context(), o)
		if fault.KindOf(err) != fault.Gate || !strings.Contains(err.Error(), digest(1)+" is rejected in project shop: it leaks (by Eve, 2026-02-03T04:05:06Z)") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.Pushes() != 0 {
		t.Errorf("%d pushes", s.Pushes())
	}
	o := options(t, s)
	o.Image = image(2)
	run(t, o)
}
