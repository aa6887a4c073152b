package gitops_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/golden-path/gitops"
	"github.com/pave-platform/pave/internal/fault"
	layout "github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func options() gitops.Options {
	return gitops.Options{
		RepositoryURL: "https://git.example.internal/platform/gitops.git", Branch: "main",
		ChartRepositories: []string{"oci://registry.example.internal/platform/charts"},
		Projects: []gitops.Project{
			{Name: "shop", Group: "CN=Shop Developers,OU=Groups,DC=example,DC=internal", Previews: true},
			{Name: "bank", Environments: []string{"test", "staging", "production"}},
		},
		Credentials: gitops.Credentials{Store: "platform", Git: "platform/argocd/git", Charts: "platform/argocd/charts"},
	}
}

func TestTheFiles(t *testing.T) {
	files, err := gitops.Render(options())
	must(t, err)
	if *update {
		must(t, os.RemoveAll("testdata/golden"))
	}
	for path, content := range files {
		if !layout.Sealed(content) {
			t.Errorf("%s has no seal", path)
		}
		golden := filepath.Join("testdata", "golden", path)
		if *update {
			must(t, os.MkdirAll(filepath.Dir(golden), 0o755))
			must(t, os.WriteFile(golden, content, 0o644))
		}
		want, err := os.ReadFile(golden)
		must(t, err)
		if d := cmp.Diff(string(want), string(content)); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
	if n := len(files); n != 10 {
		t.Errorf("%d files: %v", n, slices.Sorted(maps.Keys(files)))
	}
}

func TestBadOptions(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*gitops.Options)
		want  string
	}{
		"a repository with a password":       {func(o *gitops.Options) { o.RepositoryURL = "https://me:canary@host/x" }, "no repository that Argo CD can reach"},
		"no chart repository":                {func(o *gitops.Options) { o.ChartRepositories = nil }, "--chart-repository"},
		"charts from anywhere":               {func(o *gitops.Options) { o.ChartRepositories = []string{"*"} }, "chart repository"},
		"a project that is no name":          {func(o *gitops.Options) { o.Projects[0].Name = "../x" }, "project name"},
		"a project with the platform's name": {func(o *gitops.Options) { o.Projects[0].Name = "apps" }, "is taken by the platform"},
		"a project twice":                    {func(o *gitops.Options) { o.Projects[1].Name = "shop" }, "there twice"},
		"an environment that is no name":     {func(o *gitops.Options) { o.Projects[1].Environments = []string{"a/b"} }, "environment name"},
		"an environment twice":               {func(o *gitops.Options) { o.Projects[1].Environments = []string{"a", "a"} }, "environment a twice"},
		"a group with a line end":            {func(o *gitops.Options) { o.Projects[0].Group = "a\nb" }, "control characters"},
		"credentials of no store":            {func(o *gitops.Options) { o.Credentials.Store = "" }, "--secret-store"},
		"a secret's path with an expression": {func(o *gitops.Options) { o.Credentials.Git = "{{ x }}" }, "is not a secret's path"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			c.spoil(&o)
			_, err := gitops.Render(o)
			if fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestInit(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := gitops.InitOptions{Options: options(), Repository: gitrepo.Options{URL: s.URL, Branch: "main", Author: gitrepo.Author{Name: "pave", Email: "pave@example.com"}}}
	run := func(o gitops.InitOptions) gitops.Result {
		t.Helper()
		r, err := gitops.Init(context.Background(), o)
		must(t, err)
		return r
	}
	dry := o
	dry.DryRun = true
	if r := run(dry); !r.Changed || !strings.Contains(r.Diff, "+++ b/platform/apps.yaml") || s.Pushes() != 0 {
		t.Errorf("a dry run: %+v, %d pushes", r, s.Pushes())
	}
	first := run(o)
	second := run(o)
	if !first.Changed || second.Changed || second.Commit != first.Commit || s.Commits(t, "main") != 1 {
		t.Errorf("%+v, then %+v", first, second)
	}
	if got := s.File(t, "main", "apps/bank/environments.yaml"); !strings.Contains(got, "environments: [test, staging, production]") || !strings.Contains(got, "+argocd:skip-file-rendering") {
		t.Errorf("the environments of bank:\n%s", got)
	}

	t.Run("a project that is not named stays", func(t *testing.T) {
		one := o
		one.Projects = []gitops.Project{{Name: "blog"}}
		if r := run(one); !r.Changed || s.File(t, "main", gitops.ProjectPath("shop")) == "" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("an edit by hand is shown, and overwritten by force only", func(t *testing.T) {
		path := gitops.ProjectPath("shop")
		original := s.File(t, "main", path)
		s.Commit(t, "main", "more", map[string]string{path: strings.Replace(original, "shop-staging", "kube-system", 1)})
		_, err := gitops.Init(t.Context(), o)
		if fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), path+": somebody edited") || !strings.Contains(err.Error(), "-  - namespace: kube-system") {
			t.Errorf("got %v", err)
		}
		forced := o
		forced.Force = true
		run(forced)
		if s.File(t, "main", path) != original {
			t.Error("it is not as it was")
		}
	})
	t.Run("a project's environments are people's once they are there", func(t *testing.T) {
		s.Commit(t, "main", "environments", map[string]string{"apps/bank/environments.yaml": "environments: [test, production]\n"})
		_, err := gitops.Init(t.Context(), o)
		if fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "apps/bank/environments.yaml has other environments (test, production)") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a push that breaks off half-way lands once", func(t *testing.T) {
		s := gittest.Start(t, gittest.Options{})
		o := o
		o.Repository.URL = s.URL
		s.Fail(gittest.CutAfter)
		if r := run(o); !r.Changed || s.Commits(t, "main") != 1 {
			t.Errorf("%+v", r)
		}
	})
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	r, err := gitops.Write(options(), dir)
	must(t, err)
	for _, path := range r.Files {
		if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
			t.Error(err)
		}
	}
	bad := options()
	bad.ChartRepositories = nil
	if _, err := gitops.Write(bad, dir+"-2"); err == nil {
		t.Error("bad options are taken")
	}
	if _, err := os.Stat(dir + "-2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
