package render_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/golden-path/chart"
	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/golden-path/render"
)

var update = flag.Bool("update", false, "write the golden files")

const image = "registry.example.internal/demo/hello-go@sha256:4a5c2b1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b"

func application(t *testing.T, name string) *contract.Application {
	t.Helper()
	a, err := contract.Read(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestValuesAreAsTheGoldenFilesSay(t *testing.T) {
	for _, c := range []struct {
		file        string
		environment contract.Environment
	}{
		{"smallest", contract.Staging},
		{"everything", contract.Staging},
		{"everything", contract.Production},
	} {
		golden := filepath.Join("testdata", c.file+"."+string(c.environment)+".golden.yaml")
		t.Run(filepath.Base(golden), func(t *testing.T) {
			values, err := render.Values(application(t, c.file), c.environment, image)
			if err != nil {
				t.Fatal(err)
			}
			got, err := yaml.Marshal(values)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheContractAndTheChartHaveTheSameDefaults(t *testing.T) {
	values, err := render.Values(application(t, "smallest"), contract.Staging, image)
	if err != nil {
		t.Fatal(err)
	}
	for _, own := range []string{"name", "team", "project", "environment", "image"} {
		delete(values, own)
	}
	data, err := chart.Files.ReadFile(chart.Name + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all, defaults map[string]any
	if err := yaml.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	data, err = yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &defaults); err != nil {
		t.Fatal(err)
	}
	for name, got := range defaults {
		if diff := cmp.Diff(all[name], got); diff != "" {
			t.Errorf("%s (- chart, + contract):\n%s", name, diff)
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
