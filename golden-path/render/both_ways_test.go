package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/steps/chart"
)

// Each file in testdata/by-hand is an application of testdata in one
// environment, written as values for the chart.
func TestTheSameApplicationWrittenBothWaysGivesTheSameManifests(t *testing.T) {
	files, err := filepath.Glob("testdata/by-hand/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("nothing is written by hand: ", err)
	}
	for _, byHand := range files {
		name, environment, _ := strings.Cut(strings.TrimSuffix(filepath.Base(byHand), ".yaml"), ".")
		t.Run(name+" in "+environment, func(t *testing.T) {
			data, err := yaml.Marshal(rendered(t, name, contract.Environment(environment)))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "values.yaml")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(manifests(t, file), manifests(t, byHand)); diff != "" {
				t.Errorf("- platform.yaml, + values.yaml:\n%s", diff)
			}
		})
	}
}

// Whatever the contract accepts, the chart accepts too.
func TestEveryApplicationGivesManifests(t *testing.T) {
	for _, name := range applications(t) {
		for _, e := range []contract.Environment{contract.Staging, contract.Production} {
			t.Run(name+" in "+string(e), func(t *testing.T) {
				data, err := yaml.Marshal(rendered(t, name, e))
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(t.TempDir(), "values.yaml")
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
				if manifests(t, file) == "" {
					t.Error("nothing is rendered")
				}
			})
		}
	}
}

func manifests(t *testing.T, values string) string {
	t.Helper()
	r, err := chart.Template(t.Context(), chart.TemplateOptions{Values: values, Image: image, Namespace: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	return r.Manifests
}
