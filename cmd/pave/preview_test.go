package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/preview"
)

const previewed = `apiVersion: pave/v1
kind: Application
metadata: {name: web, team: checkout, project: shop}
spec:
  image: {repository: registry.example.internal/shop/web}
  ingress: {host: web.apps.example.internal}
`

// previews is a platform with a forge: its flags, and those of each command's own.
func previews(t *testing.T, s *forgetest.Server, git *gittest.Server) map[string][]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "platform.yaml")
	writeFile(t, file, previewed)
	at := []string{"--forge", string(forge.GitHub), "--forge-url", s.API(forge.GitHub), "--forge-project", "shop", "--forge-repository", "web"}
	login := append([]string{"--project", "shop", "--app", "web", "--domain", "previews.example.com", "--forge-token-file", s.TokenFile}, at...)
	gitops := []string{"--repository", git.URL, "--ca-file", git.CAFile, "--token-file", git.TokenFile}
	made := append([]string{"--file", file, "--domain", "previews.example.com", "--chart-repository", "registry.example.internal/charts", "--chart-version", "0.2.0", "--forge-secret", "forge"}, at...)
	return map[string][]string{
		"render": made, "enable": append(made, gitops...), "disable": append([]string{"--project", "shop", "--app", "web"}, gitops...),
		"list": login, "comment": append([]string{"--pull-request", "1"}, login...), "prune": append(append([]string{"--max-age", "1h"}, login...), gitops...),
	}
}

func TestThePreviewCommands(t *testing.T) {
	s, git := forgetest.Start(t, forgetest.Options{}), gittest.Start(t, gittest.Options{TLS: true, Auth: true})
	flags := previews(t, s, git)
	s.Open("preview/web/x", "x")
	call := func(verb string, into any, more ...string) {
		t.Helper()
		ok(t, into, append(append([]string{"preview", verb}, flags[verb]...), more...)...)
	}
	var rendered preview.Rendered
	call("render", &rendered)
	var enabled preview.Enabled
	call("enable", &enabled)
	if !enabled.Changed || enabled.Manifest != rendered.Manifest || enabled.URL != "https://web-pr-{{.number}}.previews.example.com" {
		t.Errorf("%+v", enabled)
	}
	var list preview.List
	call("list", &list)
	if len(list.Previews) != 1 || list.Previews[0].URL != "https://web-pr-1.previews.example.com" {
		t.Errorf("%+v", list)
	}
	var comment preview.Commented
	call("comment", &comment)
	if !comment.Changed || len(s.Comments(1)) != 1 {
		t.Errorf("%+v", comment)
	}
	var pruned preview.Pruned
	call("prune", &pruned)
	if pruned.Changed {
		t.Errorf("%+v", pruned)
	}
	var disabled preview.Enabled
	call("disable", &disabled)
	if !disabled.Changed || git.Commits(t, "main") != 2 {
		t.Errorf("%+v", disabled)
	}
	for _, secret := range []string{s.Token, git.Token} {
		gittest.NoSecret(t, git.Git(t, "log", "-p", "main"), secret)
	}
}

func TestPreviewRenderPrintsTheManifestAlone(t *testing.T) {
	s := forgetest.Start(t, forgetest.Options{})
	flags := previews(t, s, gittest.Start(t, gittest.Options{TLS: true, Auth: true}))["render"]
	var stdout, stderr bytes.Buffer
	if code := run(append([]string{"preview", "render"}, flags...), &stdout, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	if !strings.HasPrefix(stdout.String(), "# Written by pave preview enable.") || !strings.Contains(stdout.String(), "\nkind: ApplicationSet\n") {
		t.Error(stdout.String())
	}
	if len(s.Requests()) != 0 {
		t.Errorf("it asked %v", s.Requests())
	}
}

func TestPreviewCommandsSayWhatTheyNeed(t *testing.T) {
	for _, verb := range []string{"render", "enable", "disable", "list", "comment", "prune"} {
		var stdout, stderr bytes.Buffer
		if code := run([]string{"preview", verb}, &stdout, &stderr); code != int(fault.Input) || !strings.Contains(stderr.String(), "pave preview "+verb+" needs --") {
			t.Errorf("%s: exit %d, %s", verb, code, &stderr)
		}
	}
	t.Setenv("PAVE_FORGE", "svn")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run([]string{"preview", "list", "--project", "shop", "--app", "web", "--forge-project", "shop", "--forge-repository", "web", "--forge-token-file", file}, &stdout, &stderr)
	if code != int(fault.Input) || !strings.Contains(stderr.String(), `no kind of forge "svn"`) {
		t.Errorf("exit %d, %s", code, &stderr)
	}
}
