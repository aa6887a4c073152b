package render_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/golden-path/chart"
	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/golden-path/render"
)

var update = flag.Bool("update", false, "write the golden files")

const image = "registry.example.internal/demo/hello-go@sha256:4a5c2b1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b"

func application(t testing.TB, name string) *contract.Application {
	t.Helper()
	a, err := contract.Read(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// applications gives the names of the files in testdata.
func applications(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no applications to render: ", err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".yaml"))
	}
	return names
}

// rendered gives the values as a values file would have them.
func rendered(t testing.TB, name string, e contract.Environment) map[string]any {
	t.Helper()
	values, err := render.Values(application(t, name), e, image)
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := yaml.UnmarshalStrict(data, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

// The golden file of a feature holds the values that the feature changes in the
// smallest application; a value that it takes away is null.
func TestValuesAreAsTheGoldenFilesSay(t *testing.T) {
	whole := map[string]bool{"smallest": true, "everything": true, "everything-blue-green": true}
	smallest := rendered(t, "smallest", contract.Staging)
	for _, name := range applications(t) {
		environments := []contract.Environment{contract.Staging}
		if application(t, name).Spec.Environments != (contract.Environments{}) {
			environments = append(environments, contract.Production)
		}
		for _, e := range environments {
			values := rendered(t, name, e)
			if !whole[name] {
				values = changed(smallest, values)
			}
			golden(t, name+"."+string(e)+".yaml", values)
		}
	}
}

func changed(from, to map[string]any) map[string]any {
	all := map[string]any{}
	for name, value := range to {
		if !cmp.Equal(from[name], value) {
			all[name] = value
		}
	}
	for name := range from {
		if _, there := to[name]; !there {
			all[name] = nil
		}
	}
	return all
}

func golden(t *testing.T, file string, values map[string]any) {
	t.Run(file, func(t *testing.T) {
		path := filepath.Join("testdata", "golden", file)
		got, err := yaml.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTheContractAndTheChartHaveTheSameDefaults(t *testing.T) {
	data, err := chart.Files.ReadFile(chart.Name + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var defaults map[string]any
	if err := yaml.Unmarshal(data, &defaults); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		application string
		ignore      []string // what the application itself says
	}{
		{"smallest", []string{"name", "team", "project", "environment", "image"}},
		{"database", []string{"database.enabled"}},
		{"messaging", []string{"messaging.enabled"}},
		{"ingress", []string{"ingress.host"}},
		{"canary", []string{"rollout.strategy"}},
		{"blue-green", []string{"rollout.strategy"}},
	} {
		values := rendered(t, c.application, contract.Staging)
		if c.application != "smallest" {
			values = changed(rendered(t, "smallest", contract.Staging), values)
		}
		differ(t, c.application, "", values, defaults, c.ignore)
	}
}

// differ reports where values say something else than defaults. The chart may
// have values that the contract leaves to the platform.
func differ(t *testing.T, application, path string, values, defaults map[string]any, ignore []string) {
	t.Helper()
	for name, value := range values {
		at := strings.TrimPrefix(path+"."+name, ".")
		group, isGroup := value.(map[string]any)
		standard, hasGroup := defaults[name].(map[string]any)
		switch {
		case slices.Contains(ignore, at):
		case isGroup && hasGroup:
			differ(t, application, at, group, standard, ignore)
		default:
			if diff := cmp.Diff(defaults[name], value); diff != "" {
				t.Errorf("%s: %s (- chart, + contract):\n%s", application, at, diff)
			}
		}
	}
}

func TestAnImageIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ image, want string }{
		"by tag": {
			"registry.example.internal/demo/hello-go:1.0",
			`image reference "registry.example.internal/demo/hello-go:1.0" is not pinned by digest; write it as registry/project/app@sha256:…`,
		},
		"from another repository": {
			"registry.example.internal/other/hello-go" + image[len("registry.example.internal/demo/hello-go"):],
			"image registry.example.internal/other/hello-go" + image[len("registry.example.internal/demo/hello-go"):] +
				" is not from registry.example.internal/demo/hello-go, the repository in spec.image; publish it there, or change spec.image.repository",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render.Values(application(t, "everything"), contract.Staging, c.image)
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
