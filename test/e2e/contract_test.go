package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/steps/chart"
)

// TestContractToManifests goes from a first platform.yaml to manifests as a team does. That
// these are what the packages render is enough: golden-path/conformance has a real API
// server and the real Kyverno take what they render for every feature.
func TestContractToManifests(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`digest: (sha256:[0-9a-f]{64})`)
	everything, err := os.ReadFile("../../golden-path/render/testdata/everything.yaml")
	must(t, err)
	// Its name is one that only a test would give; the image is named after it.
	everything = bytes.Replace(everything, []byte(`name: "true"`), []byte("name: hello-go"), 1)
	for name, write := range map[string]func(t *testing.T, dir string){
		"a first contract": func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "platform.yaml")))
			finish(t, dir, platform.pave(), "contract", "init", "--name=hello-go", "--team=web", "--project=demo").succeed(t)
		},
		"everything": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "platform.yaml"), everything, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := application(t, nil)
			write(t, dir)
			contract := filepath.Join(dir, "platform.yaml")
			finish(t, dir, platform.pave(), "contract", "validate").succeed(t)
			dagger(t, dir, "call", "-m", platform.repository, "golden-path", "--source=.", "--registry=registry.example.internal",
				"manifests", "export", "--path=rendered").succeed(t)
			values, err := os.ReadFile(filepath.Join(dir, "rendered", "values.yaml"))
			must(t, err)
			digest := pinned.FindSubmatch(values)
			if digest == nil {
				t.Fatalf("the values pin no image:\n%s", values)
			}
			rendered := filepath.Join(dir, "values.yaml")
			of, err := chart.Values(t.Context(), chart.ValuesOptions{
				File: contract, Environment: "staging", Output: rendered,
				Image: "registry.example.internal/demo/hello-go@" + string(digest[1]),
			})
			must(t, err)
			want, err := chart.Template(t.Context(), chart.TemplateOptions{Values: rendered, Release: of.Name, Namespace: "demo-staging"})
			must(t, err)
			got, err := os.ReadFile(filepath.Join(dir, "rendered", "manifests.yaml"))
			must(t, err)
			if d := cmp.Diff(want.Manifests, string(got)); d != "" {
				t.Errorf("manifests (- packages, + dagger):\n%s", d)
			}
		})
	}
}
