package chart_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/pave-platform/pave/steps/chart"
)

func TestAPackageDependsOnNothingButTheChart(t *testing.T) {
	// The digest was made on another machine than yours.
	const want = "sha256:6e5c3146dfd114b332fa069d11de6bf3873cb846abdfbcd406a5ff38dfb0952d"
	moved := copyOf(t)
	path := filepath.Join(moved, "values.yaml")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Now(), time.Now().Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{tiny, moved} {
		out := t.TempDir()
		r, err := chart.Package(t.Context(), chart.PackageOptions{Chart: dir, Output: out})
		if err != nil {
			t.Fatal(err)
		}
		if r.Digest != want || r.Path != filepath.Join(out, "tiny-1.2.3+build.4.tgz") {
			t.Errorf("got %+v, want digest %s", r, want)
		}
		again, err := chart.Package(t.Context(), chart.PackageOptions{Chart: r.Path, Output: t.TempDir()})
		if err != nil || again.Digest != want {
			t.Errorf("packaged from the package: %+v, %v", again, err)
		}
	}
}

func TestHelmLoadsThePackage(t *testing.T) {
	r, err := chart.Package(t.Context(), chart.PackageOptions{Output: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	c, err := loader.Load(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name() != "platform-app" || len(c.Templates) == 0 || len(c.Schema) == 0 || len(c.Values) == 0 {
		t.Errorf("the package has lost something: %d templates, %d bytes of schema, %d values", len(c.Templates), len(c.Schema), len(c.Values))
	}
}
