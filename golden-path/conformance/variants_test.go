package conformance

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/pave-platform/pave/golden-path/policies"
	"github.com/pave-platform/pave/golden-path/policies/policiestest"
	"github.com/pave-platform/pave/steps/chart"
)

// Each file in these folders is a case: values for the chart, and contracts.
const (
	valuesFolder   = "../chart/testdata/variants"
	contractFolder = "../render/testdata"
)

const image = "registry.example.internal/demo/hello-go@sha256:4a5c2b1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b"

// variant is the chart's manifests for one file, in a namespace of their own.
type variant struct {
	namespace string
	objects   []*unstructured.Unstructured
}

// variants renders every file, a contract for both environments.
func variants(t *testing.T) []variant {
	t.Helper()
	var all []variant
	for _, file := range yamlFiles(t, valuesFolder) {
		all = append(all, render(t, "chart-"+base(file), file, ""))
	}
	for _, file := range yamlFiles(t, contractFolder) {
		for _, environment := range []string{"staging", "production"} {
			values := filepath.Join(t.TempDir(), "values.yaml")
			_, err := chart.Values(t.Context(), chart.ValuesOptions{File: file, Environment: environment, Image: image, Output: values})
			must(t, err)
			all = append(all, render(t, "contract-"+base(file)+"-"+environment, values, ""))
		}
	}
	return all
}

func yamlFiles(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	must(t, err)
	if len(files) < 20 {
		t.Fatalf("%s has only %d files", folder, len(files))
	}
	return files
}

func base(file string) string { return strings.TrimSuffix(filepath.Base(file), ".yaml") }

func render(t *testing.T, namespace, values, image string) variant {
	t.Helper()
	r, err := chart.Template(t.Context(), chart.TemplateOptions{Values: values, Namespace: namespace, Image: image})
	if err != nil {
		t.Fatalf("%s: %v", namespace, err)
	}
	v := variant{namespace: namespace, objects: decode(t, []byte(r.Manifests))}
	for _, o := range v.objects {
		if in := o.GetNamespace(); in != "" && in != namespace {
			t.Errorf("%s: %s %s is in namespace %s", namespace, o.GetKind(), o.GetName(), in)
		}
		o.SetNamespace(namespace) // as Helm and Argo CD do
	}
	return v
}

func decode(t *testing.T, data []byte) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); err == io.EOF {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// rules renders the policies of the cases' platform, by name, without those
// left out.
func rules(t *testing.T, o policies.Options, without ...string) []*unstructured.Unstructured {
	t.Helper()
	data, err := policies.Render(o)
	must(t, err)
	var kept []*unstructured.Unstructured
	for _, p := range decode(t, data) {
		leave := false
		for _, name := range without {
			leave = leave || p.GetName() == name
		}
		if !leave {
			kept = append(kept, p)
		}
	}
	return kept
}

func write(t *testing.T, name string, objects ...*unstructured.Unstructured) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, policiestest.Manifests(t, objects...), 0o600))
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
