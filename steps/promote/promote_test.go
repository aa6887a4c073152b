package promote_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/promote"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

const (
	revision = "0123456789abcdef0123456789abcdef01234567"
	stagingPath,
	productionPath,
	historyPath = "apps/shop/staging/web/application.yaml",
		"apps/shop/production/web/application.yaml",
		"apps/shop/production/web/history.yaml"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// digest makes a digest that is told apart by its first digits.
func digest(n int) string { return fmt.Sprintf("sha256:%04d%060d", n, 0) }

func image(n int) string { return "registry.example.internal/shop/web@" + digest(n) }

// application is image n in an environment, with values that are right for it.
func application(environment, app string, n int, more map[string]any) gitops.Application {
	values := map[string]any{
		"team": "checkout", "project": "shop", "environment": environment,
		"image": map[string]any{"repository": "registry.example.internal/shop/web", "digest": digest(n)},
	}
	maps.Copy(values, more)
	return gitops.Application{
		Target: gitops.Target{Project: "shop", Environment: environment, App: app},
		Release: gitops.Release{
			Image: image(n), Revision: revision, Values: values,
			Chart: gitops.Chart{Repository: "registry.example.internal/shop/charts", Name: "platform-app", Version: "0.1.0"},
		},
	}
}

func render(t testing.TB, a gitops.Application) string {
	t.Helper()
	content, err := a.Render()
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// put deploys to an environment past the promotions.
func put(t testing.TB, s *gittest.Server, a gitops.Application) {
	t.Helper()
	s.Commit(t, "main", "deploy", map[string]string{a.Path(): render(t, a)})
}

// start is a repository with image 1 of web in staging.
func start(t testing.TB, o gittest.Options) *gittest.Server {
	t.Helper()
	s := gittest.Start(t, o)
	put(t, s, application("staging", "web", 1, nil))
	return s
}

// fine verifies everything.
func fine(context.Context, string, string) ([]string, error) {
	return []string{"signature", "spdx"}, nil
}

func common(s *gittest.Server) promote.Common {
	return promote.Common{
		Repository: gitrepo.Options{
			URL: s.URL, Branch: "main", CAFile: s.CAFile, Username: s.Username, Token: secret.Source{File: s.TokenFile},
			Author: gitrepo.Author{Name: "pave", Email: "pave@example.com"},
		},
		Project: "shop", App: "web", By: "Jane", Verify: fine, Time: noon,
	}
}

// options is a good promotion of web to environment.
func options(t testing.TB, s *gittest.Server) promote.Options {
	t.Helper()
	return promote.Options{Common: common(s), ValuesFile: file(t, "environment: production\nproject: shop\nteam: checkout\nreplicas: 3\n")}
}

func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t testing.TB, o promote.Options) promote.Result {
	t.Helper()
	r, err := promote.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// refused checks an error's kind and words, and that nothing was pushed.
func refused(t *testing.T, s *gittest.Server, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("got %v, want an error of kind %d", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error lacks %q: %v", w, err)
		}
	}
	if s != nil && s.Pushes() != 0 {
		t.Errorf("%d pushes", s.Pushes())
	}
}

func history(t testing.TB, s *gittest.Server, environment string) []gitops.Entry {
	t.Helper()
	var h gitops.History
	if err := yaml.Unmarshal([]byte(s.File(t, "main", "apps/shop/"+environment+"/web/history.yaml")), &h); err != nil {
		t.Fatal(err)
	}
	return h.Entries
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateGolden {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func TestAPromotionIsOneCommitWithItsHistory(t *testing.T) {
	s := start(t, gittest.Options{TLS: true, Auth: true})
	o := options(t, s)
	o.Output = filepath.Join(t.TempDir(), "application.yaml")
	r := run(t, o)
	copied, err := os.ReadFile(o.Output)
	if err != nil {
		t.Fatal(err)
	}
	want := promote.Result{
		Action: gitops.Promote, Repository: s.URL, Branch: "main", Path: productionPath,
		Application: "shop-production-web", Namespace: "shop-production", From: "staging", To: "production",
		Image: image(1), Digest: digest(1), Chart: "registry.example.internal/shop/charts/platform-app:0.1.0", Revision: revision,
		Verified: []string{"signature", "spdx"}, Overrides: []string{"replicas"},
		Changes: []promote.Difference{
			{What: "image", After: image(1)},
			{What: "chart", After: "registry.example.internal/shop/charts/platform-app:0.1.0"},
			{What: "source", After: revision},
		},
		Commit: s.Head(t, "main"), Changed: true, Attempts: 1, Manifest: string(copied),
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Errorf("result (-want +got): %s", d)
	}
	golden(t, "application.yaml", s.File(t, "main", productionPath)+"\n")
	golden(t, "history.yaml", s.File(t, "main", historyPath)+"\n")
	golden(t, "message.txt", s.Git(t, "log", "-1", "--format=%an <%ae>%n%B", "main")+"\n")
	if files := s.Git(t, "diff", "--name-only", "main~1", "main"); files != productionPath+"\n"+historyPath {
		t.Errorf("the commit changes\n%s", files)
	}
}

func TestASecondPromotionMakesNoCommit(t *testing.T) {
	s := start(t, gittest.Options{})
	o := options(t, s)
	first := run(t, o)
	o.Time = noon.Add(time.Hour)
	if second := run(t, o); second.Changed || second.Commit != first.Commit || s.Pushes() != 1 || len(history(t, s, "production")) != 1 {
		t.Errorf("%+v after %d pushes", second, s.Pushes())
	}
	put(t, s, application("staging", "web", 2, nil))
	if third := run(t, o); !third.Changed || third.Previous != digest(1) || len(history(t, s, "production")) != 2 {
		t.Errorf("another image: %+v", third)
	}
}

func TestADryRunVerifiesShowsTheDifferenceAndPushesNothing(t *testing.T) {
	s := start(t, gittest.Options{})
	o := options(t, s)
	run(t, o)
	put(t, s, application("staging", "web", 2, nil))
	head := s.Head(t, "main")
	o.DryRun = true
	r := run(t, o)
	for _, line := range []string{"--- a/" + productionPath, "-          digest: " + digest(1), "+          digest: " + digest(2)} {
		if !strings.Contains(r.Diff, line+"\n") {
			t.Errorf("the difference lacks %q:\n%s", line, r.Diff)
		}
	}
	if !r.Changed || !r.DryRun || r.Commit != head || s.Head(t, "main") != head {
		t.Errorf("%+v, and main is at %s", r, s.Head(t, "main"))
	}
	o.Verify = unsigned
	_, err := promote.Run(t.Context(), o)
	refused(t, nil, err, fault.Gate, "no signature")
}

func unsigned(context.Context, string, string) ([]string, error) {
	return nil, fault.Gatef("no signature")
}

func TestWhatIsVerifiedIsWhatThePlaceHas(t *testing.T) {
	s := start(t, gittest.Options{})
	o := options(t, s)
	var asked []string
	o.Verify = func(_ context.Context, image, revision string) ([]string, error) {
		asked = append(asked, image+" of "+revision)
		return nil, nil
	}
	run(t, o)
	if d := cmp.Diff([]string{image(1) + " of " + revision}, asked); d != "" {
		t.Error(d)
	}
}

func TestPromotionsThatAreRefused(t *testing.T) {
	edited := strings.Replace(render(t, application("staging", "web", 1, map[string]any{"replicas": 1})), "replicas: 1", "replicas: 9", 1)
	for name, c := range map[string]struct {
		files map[string]string
		spoil func(*promote.Options)
		kind  fault.Kind
		words []string
	}{
		"an image that does not verify": {nil, func(o *promote.Options) { o.Verify = unsigned }, fault.Gate, []string{"no signature"}},
		"a source that was edited by hand": {map[string]string{stagingPath: edited}, nil, fault.Gate,
			[]string{stagingPath, "somebody edited the file", "deploy it again with pave deploy app --force"}},
		"a source that pave did not write": {map[string]string{stagingPath: "kind: Application\n"}, nil, fault.Gate, []string{"somebody else than pave"}},
		"a source that is a copy of another application": {map[string]string{stagingPath: render(t, application("staging", "api", 1, nil))}, nil, fault.Failed,
			[]string{"another application than its path says: shop-staging-api"}},
		"a target that was edited by hand": {map[string]string{productionPath: render(t, application("production", "web", 1, nil)) + "# a note\n"}, nil, fault.Failed,
			[]string{productionPath, "somebody edited the file", "--force", "-# a note"}},
		"another digest than was asked for": {nil, func(o *promote.Options) { o.Digest = digest(2) }, fault.Gate, []string{"staging has " + digest(1), "not " + digest(2)}},
		"values with another digest":        {nil, func(o *promote.Options) { o.ValuesFile = file(t, "image: {digest: "+digest(2)+"}\n") }, fault.Input, []string{digest(2), digest(1), "render the values"}},
		"values of another environment":     {nil, func(o *promote.Options) { o.ValuesFile = file(t, "environment: staging\n") }, fault.Input, []string{"is for environment staging, not for production"}},
		"an application that is not there":  {nil, func(o *promote.Options) { o.App = "api" }, fault.Input, []string{"api is not deployed in staging", "pave deploy app"}},
		"a rejected digest": {map[string]string{"apps/shop/rejected.yaml": "rejected:\n- {digest: '" + digest(1) + "', reason: it leaks, by: Eve, at: '2026-02-03T04:05:06Z'}\n"}, nil, fault.Gate,
			[]string{digest(1) + " is rejected in project shop: it leaks (by Eve, 2026-02-03T04:05:06Z)"}},
		"rejections that are damaged": {map[string]string{"apps/shop/rejected.yaml": "rejectd: []\n"}, nil, fault.Failed, []string{"apps/shop/rejected.yaml in the repository is damaged", "revert"}},
		"a history that is damaged":   {map[string]string{historyPath: "entries: 7\n"}, nil, fault.Failed, []string{historyPath + " in the repository is damaged"}},
		"a project that leaves":       {nil, func(o *promote.Options) { o.Project = "../x" }, fault.Input, []string{"project name"}},
		"a name that forges":          {nil, func(o *promote.Options) { o.By = "x\nImage: evil" }, fault.Input, []string{"--by has a control character"}},
		"a digest that is none":       {nil, func(o *promote.Options) { o.Digest = "latest" }, fault.Input, []string{"not a digest"}},
		"no server":                   {nil, func(o *promote.Options) { o.Repository.URL = "http://127.0.0.1:1/gitops.git" }, fault.Failed, []string{"the server refuses connections; check the address"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, gittest.Options{})
			if c.files != nil {
				s.Commit(t, "main", "case", c.files)
			}
			o := options(t, s)
			if c.spoil != nil {
				c.spoil(&o)
			}
			_, err := promote.Run(t.Context(), o)
			refused(t, s, err, c.kind, c.words...)
		})
	}
}

func TestAProtectedBranchSaysSo(t *testing.T) {
	s := start(t, gittest.Options{Auth: true, Protect: []string{"main"}})
	_, err := promote.Run(t.Context(), options(t, s))
	refused(t, nil, err, fault.Failed, "the server refused the push to main", "allow this account to push", "open a pull request with --pull-request")
	gittest.NoSecret(t, err.Error(), s.Token)
}

func TestForceOverwritesAnEditAndKeepsItInTheHistory(t *testing.T) {
	s := start(t, gittest.Options{})
	before := application("production", "web", 7, nil)
	before.Cluster = "https://production.example.internal:6443"
	s.Commit(t, "main", "edit", map[string]string{productionPath: render(t, before) + "# a note\n"})
	o := options(t, s)
	o.Force = true
	if r := run(t, o); !r.Changed || r.Previous != digest(7) || !strings.Contains(r.Manifest, "server: "+before.Cluster+"\n") {
		t.Errorf("%+v", r)
	}
	entries := history(t, s, "production")
	if len(entries) != 2 || entries[0].Action != gitops.Found || entries[0].Digest != digest(7) || entries[1].Action != gitops.Promote {
		t.Errorf("%+v", entries)
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	s := start(t, gittest.Options{})
	var h gitops.History
	for n := range 150 {
		h = h.Append(gitops.Entry{Action: gitops.Promote, To: "production", Digest: digest(n), Release: application("production", "web", n, nil).Release})
	}
	content, err := h.Render()
	if err != nil {
		t.Fatal(err)
	}
	s.Commit(t, "main", "history", map[string]string{historyPath: string(content)})
	put(t, s, application("staging", "web", 500, nil))
	run(t, options(t, s))
	entries := history(t, s, "production")
	if len(entries) != 100 || entries[99].Digest != digest(500) || entries[0].Digest != digest(51) {
		t.Errorf("%d entries from %s to %s", len(entries), entries[0].Digest, entries[len(entries)-1].Digest)
	}
}
