package preview_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/preview"
)

const path = "apps/shop/previews/web/applicationset.yaml"

func repository(s *gittest.Server) gitrepo.Options {
	return gitrepo.Options{
		URL: s.URL, Branch: "main", CAFile: s.CAFile, Username: s.Username, Token: secret.Source{File: s.TokenFile},
		Author: gitrepo.Author{Name: "pave", Email: "pave@example.com"},
	}
}

func enable(_ testing.TB, s *gittest.Server, kind forge.Kind) preview.EnableOptions {
	return preview.EnableOptions{Application: application(kind), Repository: repository(s)}
}

func enabled(t *testing.T, o preview.EnableOptions) preview.Enabled {
	t.Helper()
	e, err := preview.Enable(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEnableCommitsOnceAndDisableTakesItBack(t *testing.T) {
	s := gittest.Start(t, gittest.Options{TLS: true, Auth: true})
	o := enable(t, s, forge.BitbucketCloud)
	o.Output = filepath.Join(t.TempDir(), "set.yaml")
	o.DryRun = true
	dry := enabled(t, o)
	if !dry.Changed || s.Pushes() != 0 || !strings.Contains(dry.Diff, "+kind: ApplicationSet") {
		t.Errorf("a dry run: %+v, %d pushes", dry, s.Pushes())
	}
	o.DryRun = false
	first := enabled(t, o)
	if !first.Changed || first.Commit != s.Head(t, "main") || s.File(t, "main", path)+"\n" != first.Manifest {
		t.Errorf("%+v", first)
	}
	copied, err := os.ReadFile(o.Output)
	if err != nil || string(copied) != first.Manifest {
		t.Errorf("the copy: %v", err)
	}
	if again := enabled(t, o); again.Changed || s.Commits(t, "main") != 1 {
		t.Errorf("again: %+v", again)
	}
	o.Domain = "elsewhere.example.internal"
	if moved := enabled(t, o); !moved.Changed || !strings.Contains(s.File(t, "main", path), "web-pr-{{.number}}.elsewhere.example.internal") {
		t.Errorf("with another domain: %+v", moved)
	}
	off := preview.DisableOptions{Project: "shop", App: "web", Repository: o.Repository}
	for i, want := range []bool{true, false} {
		e, err := preview.Disable(t.Context(), off)
		if err != nil || e.Changed != want || e.ApplicationSet != "shop.previews.web" {
			t.Errorf("disable, time %d: %+v, %v", i+1, e, err)
		}
	}
	if files := s.Git(t, "ls-tree", "-r", "--name-only", "main"); files != "" {
		t.Errorf("left: %s", files)
	}
	gittest.NoSecret(t, s.Git(t, "log", "-p", "main"), s.Token)
}

func TestAnEditByHandIsNotOverwritten(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := enable(t, s, forge.GitLab)
	edited := strings.Replace(enabled(t, o).Manifest, "replicas: 1", "replicas: 3", 1)
	s.Commit(t, "main", "by hand", map[string]string{path: edited})
	_, err := preview.Enable(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "somebody edited the file") || !strings.Contains(err.Error(), "-          replicas: 3") && !strings.Contains(err.Error(), "replicas: 3") {
		t.Errorf("enable: %v", err)
	}
	if _, err := preview.Disable(t.Context(), preview.DisableOptions{Project: "shop", App: "web", Repository: o.Repository}); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("disable: %v", err)
	}
	o.Force = true
	if e := enabled(t, o); !e.Changed {
		t.Errorf("by force: %+v", e)
	}
	s.Commit(t, "main", "by hand", map[string]string{path: "kind: Pod\n"})
	o.Force = false
	if _, err := preview.Enable(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("over something else: %v", err)
	}
}

func TestEnablingManyAtOnceLosesNone(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	content, err := os.ReadFile("testdata/platform.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	apps := []string{"a", "b", "c", "d", "e", "f"}
	for _, app := range apps {
		o := enable(t, s, forge.GitHub)
		o.File = filepath.Join(t.TempDir(), "platform.yaml")
		own := strings.NewReplacer("name: web", "name: "+app, "/shop/web}", "/shop/"+app+"}").Replace(string(content))
		if err := os.WriteFile(o.File, []byte(own), 0o600); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if _, err := preview.Enable(t.Context(), o); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.Commits(t, "main"); n != len(apps) {
		t.Errorf("%d commits", n)
	}
}

func TestNoReleaseGoesIntoThePreviewsEnvironment(t *testing.T) {
	err := gitops.Target{Project: "shop", Environment: "previews", App: "web"}.Validate()
	if fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "previews of pull requests") {
		t.Error(err)
	}
}
