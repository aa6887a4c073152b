package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/gittest"
)

func TestGitopsCommands(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	dir := filepath.Join(t.TempDir(), "out")
	projects := []string{"--chart-repository=registry.example.internal/platform/charts", "--project=shop=CN=Shop,DC=example", "--project=blog"}
	init := append([]string{"gitops", "init", "--repository=" + s.URL}, projects...)
	for name, c := range map[string]struct {
		args []string
		code int
		out  string
		err  string
	}{
		"render needs its flags":       {[]string{"gitops", "render"}, 2, "", "--output, --argocd-repository, --chart-repository"},
		"render writes a folder":       {append([]string{"gitops", "render", "--output=" + dir, "--argocd-repository=https://git.example.internal/x.git"}, projects...), 0, "rendered  8 files", ""},
		"previews are of projects":     {[]string{"gitops", "render", "--output=" + dir, "--argocd-repository=https://git.example.internal/x.git", "--chart-repository=a.b/c", "--previews"}, 2, "", "give --project"},
		"init needs its flags":         {[]string{"gitops", "init"}, 2, "", "--repository, --chart-repository"},
		"a dry run pushes nothing":     {append(init, "--dry-run"), 0, "dry run: nothing was pushed", ""},
		"a deploy needs a repository":  {[]string{"deploy", "app"}, 2, "", "--repository, --project"},
		"an apply needs no repository": {[]string{"deploy", "app", "--apply"}, 2, "", "needs --project"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(c.args, &stdout, &stderr); code != c.code || !strings.Contains(stdout.String(), c.out) || !strings.Contains(stderr.String(), c.err) {
			t.Errorf("%s: exit %d\n%s%s", name, code, &stdout, &stderr)
		}
	}
	if project, err := os.ReadFile(filepath.Join(dir, "platform", "projects", "shop.yaml")); err != nil || !strings.Contains(string(project), "- CN=Shop,DC=example\n") {
		t.Errorf("the project: %v\n%s", err, project)
	}
	for _, changed := range []bool{true, false} {
		var stdout, stderr bytes.Buffer
		code := run(append(init, "--json"), &stdout, &stderr)
		var r struct{ Changed bool }
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil || code != 0 || r.Changed != changed {
			t.Errorf("exit %d, %v, %s%s", code, err, &stdout, &stderr)
		}
	}
}
