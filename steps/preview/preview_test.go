package preview_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/steps/preview"
)

var update = flag.Bool("update", false, "write the golden files anew")

// application is a good one, whose pull requests are on a forge of that kind.
func application(kind forge.Kind) preview.Application {
	return preview.Application{
		File: "testdata/platform.yaml", Domain: "previews.example.internal", PullSecret: "pull",
		Chart: gitops.Chart{Repository: "oci://registry.example.internal/platform/charts", Name: "platform-app", Version: "0.2.0"},
		Forge: forge.Options{Kind: kind, URL: "https://forge.example.internal", Project: "shop", Repository: "web"}, Secret: "forge",
	}
}

func rendered(t *testing.T, a preview.Application) preview.Rendered {
	t.Helper()
	r, err := preview.Render(t.Context(), preview.RenderOptions{Application: a})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheApplicationSetOfEachForge(t *testing.T) {
	basic := application(forge.BitbucketDataCenter)
	basic.Forge.Username, basic.CAConfigMap, basic.Target = "ci", "forge-ca", "release/1.x"
	public := application(forge.GitHub)
	public.Forge.URL, public.Secret = "", ""
	nested := application(forge.GitLab)
	nested.Forge.Project, nested.Database, nested.Messaging = "platform/shop", true, true
	for name, a := range map[string]preview.Application{
		"bitbucket-cloud": application(forge.BitbucketCloud), "bitbucket-datacenter": basic, "github": public, "gitlab": nested,
	} {
		t.Run(name, func(t *testing.T) {
			got := rendered(t, a)
			golden := filepath.Join("testdata", name+".golden.yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(got.Manifest), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.Manifest); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !gitops.Sealed([]byte(got.Manifest)) {
				t.Error("it is not sealed")
			}
			if again := rendered(t, a); again != got {
				t.Error("rendered again, it differs")
			}
		})
	}
}

// generated is what Argo CD makes of a template for one pull request: each string in
// it is a Go template of its own.
func generated(t *testing.T, manifest string, pull map[string]any) map[string]any {
	t.Helper()
	var set struct {
		Spec struct {
			Options  []string       `json:"goTemplateOptions"`
			Template map[string]any `json:"template"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal([]byte(manifest), &set); err != nil {
		t.Fatal(err)
	}
	var each func(v any) any
	text := func(s string) string {
		parsed, err := template.New("").Funcs(sprig.TxtFuncMap()).Option(set.Spec.Options...).Parse(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		var out strings.Builder
		if err := parsed.Execute(&out, pull); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		return out.String()
	}
	each = func(v any) any {
		switch v := v.(type) {
		case string:
			return text(v)
		case []any:
			for i := range v {
				v[i] = each(v[i])
			}
		case map[string]any:
			all := map[string]any{}
			for key, value := range v {
				all[text(key)] = each(value)
			}
			return all
		}
		return v
	}
	return each(set.Spec.Template).(map[string]any)
}

func at(v any, path ...string) any {
	for _, step := range path {
		m, _ := v.(map[string]any)
		v = m[step]
	}
	return v
}

// evil is what somebody may open a pull request with.
const evil = `"}}{{ fail "got in" }}` + "\nspec: {project: default}"

func TestOnlyNumberAndCommitOfAPullRequestAreUsed(t *testing.T) {
	commit := strings.Repeat("a", 40)
	pull := map[string]any{"number": "12", "head_sha": commit}
	plain := generated(t, rendered(t, application(forge.GitHub)).Manifest, pull) // missingkey=error: nothing else is asked for
	for _, key := range []string{"title", "branch", "branch_slug", "author", "target_branch", "labels"} {
		pull[key] = evil
	}
	attacked := generated(t, rendered(t, application(forge.GitHub)).Manifest, pull)
	if diff := cmp.Diff(plain, attacked); diff != "" {
		t.Errorf("(-plain +attacked):\n%s", diff)
	}
	for path, want := range map[string]any{
		"metadata/name":                            "shop.previews.web-pr-12",
		"metadata/annotations/pave.dev/url":        nil, // the key holds a slash
		"spec/project":                             "shop",
		"spec/destination/namespace":               "shop-previews",
		"spec/source/helm/releaseName":             "web-pr-12",
		"spec/source/helm/valuesObject/name":       "web-pr-12",
		"spec/source/helm/valuesObject/pullSecret": "pull",
	} {
		if got := at(plain, strings.Split(path, "/")...); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	values := at(plain, "spec", "source", "helm", "valuesObject")
	for name, c := range map[string][2]any{
		"host":            {at(values, "ingress", "host"), "web-pr-12.previews.example.internal"},
		"https":           {at(values, "ingress", "tls"), true},
		"commit":          {at(values, "preview", "commit"), commit},
		"a team's braces": {at(values, "env", "GREETING"), "{{ .title }} {{{x}}} ${HOME}"},
		"staging's env":   {at(values, "env", "LOG_LEVEL"), "debug"},
		"one pod":         {at(values, "replicas"), 1.0},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
}

func TestNamesFitWhereTheyGo(t *testing.T) {
	const longest = "99999999"
	for _, app := range []string{"web", strings.Repeat("a", 50), strings.Repeat("a", 49) + "b", "a" + strings.Repeat("-", 30) + "b"} {
		project := strings.Repeat("p", 50)
		p := gitops.Previews{Project: project, App: app}
		name := gitops.PreviewName(app, longest)
		for what, c := range map[string]struct {
			name string
			most int
		}{
			"release":     {name, 40}, // what the chart leaves for a database's name
			"host":        {strings.SplitN(gitops.PreviewHost(app, longest, "example.com"), ".", 2)[0], 63},
			"Application": {p.ApplicationName(longest), 63},
		} {
			if len(c.name) > c.most || strings.Contains(c.name, "--pr") || strings.Contains(c.name, ".-") {
				t.Errorf("%s %q of %s has %d characters", what, c.name, app, len(c.name))
			}
		}
	}
	if a, b := gitops.PreviewName(strings.Repeat("a", 50), "1"), gitops.PreviewName(strings.Repeat("a", 49)+"b", "1"); a == b {
		t.Errorf("two applications have %s", a)
	}
}

func TestBadInputIsFoundBeforeAnybodyIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*preview.Application)
		want  string
	}{
		"no platform.yaml":              {func(a *preview.Application) { a.File += ".gone" }, "platform.yaml.gone"},
		"no forge":                      {func(a *preview.Application) { a.Forge.Kind = "" }, "no kind of forge"},
		"a forge over plain http":       {func(a *preview.Application) { a.Forge.URL = "http://forge.example.internal" }, "only https"},
		"a project with a template":     {func(a *preview.Application) { a.Forge.Project = "{{.title}}" }, "project"},
		"no domain":                     {func(a *preview.Application) { a.Domain = "" }, "no domain"},
		"a domain with a template":      {func(a *preview.Application) { a.Domain = "{{.branch}}.example.com" }, "not a DNS name"},
		"a domain that leaves no room":  {func(a *preview.Application) { a.Domain = strings.Repeat("a.", 120) + "com" }, "leaves room"},
		"an image from elsewhere":       {func(a *preview.Application) { a.Image = "registry.example.internal/other/web" }, "the repository in spec.image"},
		"an image without a project":    {func(a *preview.Application) { a.File, a.Image = small(t), "web:1" }, "without tag and digest"},
		"a pull secret with a template": {func(a *preview.Application) { a.PullSecret = "{{.title}}" }, "not the name of a Secret"},
		"a moving chart version":        {func(a *preview.Application) { a.Chart.Version = "*" }, "not an exact version"},
		"a look every second":           {func(a *preview.Application) { a.Refresh = 1 }, "10 seconds or more"},
		"a secret's name with a slash":  {func(a *preview.Application) { a.Secret = "a/b" }, "not the name of a Secret"},
		"a user without a secret":       {func(a *preview.Application) { a.Forge.Username, a.Secret = "ci", "" }, "has no Secret"},
		"a CA that Argo CD cannot take": {func(a *preview.Application) { a.CAConfigMap = "ca" }, "takes no CA of its own for bitbucket-cloud"},
	} {
		t.Run(name, func(t *testing.T) {
			a := application(forge.BitbucketCloud)
			c.spoil(&a)
			_, err := preview.Render(t.Context(), preview.RenderOptions{Application: a})
			if fault.KindOf(err) != fault.Input || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an input error with %q", err, c.want)
			}
		})
	}
}

func TestAnApplicationWithoutAnAddressHasAPreviewWithoutOne(t *testing.T) {
	a := application(forge.GitHub)
	a.Domain, a.File = "", small(t)
	if _, err := preview.Render(t.Context(), preview.RenderOptions{Application: a}); err == nil || !strings.Contains(err.Error(), "--image") {
		t.Errorf("without an image: %v", err)
	}
	a.Image = "registry.example.internal/shop/web"
	r := rendered(t, a)
	if r.URL != "" || strings.Contains(r.Manifest, "ingress") || strings.Contains(r.Manifest, "pave.dev/url") {
		t.Errorf("%s\n%s", r.URL, r.Manifest)
	}
}

// small writes the smallest platform.yaml.
func small(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "platform.yaml")
	content := "apiVersion: pave/v1\nkind: Application\nmetadata: {name: web, team: checkout, project: shop}\nspec: {port: 8080}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheResultGoesToAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out", "set.yaml")
	r, err := preview.Render(t.Context(), preview.RenderOptions{Application: application(forge.GitLab), Output: file})
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	if err != nil || string(written) != r.Manifest {
		t.Errorf("%v", err)
	}
	var out strings.Builder
	r.Summary(&out)
	if want := fmt.Sprintf("previews  shop.previews.web\nfile      %s\n", file); out.String() != want {
		t.Errorf("%s", &out)
	}
}
