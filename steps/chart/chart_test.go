package chart_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/chart"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	digest = "sha256:4a5c2b1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b"
	image  = "registry.example.internal/demo/hello-go@" + digest

	contracts = "../../golden-path/render/testdata/"
	tiny      = "testdata/tiny"
)

// values writes a values file and gives its path.
func values(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	write(t, path, text)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyOf gives a copy of the tiny chart that a test may change.
func copyOf(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny")
	if err := os.CopyFS(dir, os.DirFS(tiny)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rendered gives the values of a contract, as the pipeline does.
func rendered(t *testing.T, contract, environment string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	_, err := chart.Values(t.Context(), chart.ValuesOptions{File: contracts + contract, Environment: environment, Image: image, Output: path})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func template(t *testing.T, o chart.TemplateOptions) chart.TemplateResult {
	t.Helper()
	r, err := chart.Template(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		write(t, path, got)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s:\n%s", path, diff)
	}
}

func refused(t *testing.T, err error, kind fault.Kind, want string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("kind %d, want %d", got, kind)
	}
}
