package chart

import (
	"os"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/golden-path/render"
)

// FuzzManifests holds contract, renderer and chart to their common promise:
// what the contract accepts, the chart's schema accepts too, and it becomes
// manifests that are YAML and keep the application's name as text.
func FuzzManifests(f *testing.F) {
	const image = "registry.example.internal/demo/hello-go@sha256:4a5c2b1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b"
	for _, name := range []string{"smallest", "everything"} {
		data, err := os.ReadFile("../../golden-path/render/testdata/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		seed(f, data)
		seed(f, []byte(strings.ReplaceAll(string(data), "web", `"null"`)))
	}
	seed(f, []byte(`apiVersion: pave/v1
kind: Application
metadata: {name: "on", team: y, project: "no"}
spec:
  env: {A: "\u2028\"'{{}}\u00e9\t\n\U0001F600\\", "NULL": ~text}
  resources: {requests: {cpu: 1000000, memory: 1.001Mi}, limits: {memory: 4Ti}}
  environments: {production: {ingress: {host: a.b, tls: false}}}
`))
	base, err := load(f.Context(), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		app, err := contract.Parse("platform.yaml", data)
		if err != nil {
			return
		}
		if app.Spec.Image.Repository != "" {
			app.Spec.Image.Repository = "registry.example.internal/demo/hello-go"
		}
		values, err := render.Values(app, contract.Production, image)
		if err != nil {
			t.Fatal(err)
		}
		release := chartutil.ReleaseOptions{Name: "release", Namespace: "space"}
		text, objects, err := manifests(base, &input{values: values}, release, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			name := string(app.Metadata.Name)
			if o.Name != name && !strings.HasPrefix(o.Name, name+"-") && o.Kind != "ExternalSecret" {
				t.Errorf("%s is named %q, want %q", o.Kind, o.Name, name)
			}
		}
		for _, document := range strings.Split(text, "\n---\n") {
			var m map[string]any
			if err := yaml.UnmarshalStrict([]byte(document), &m); err != nil {
				t.Errorf("%v:\n%s", err, document)
			}
		}
	})
}

func seed(f *testing.F, data []byte) {
	f.Helper()
	if _, err := contract.Parse("platform.yaml", data); err != nil {
		f.Fatal("a seed that is refused tries nothing: ", err)
	}
	f.Add(data)
}
