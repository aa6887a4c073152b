package scan_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	javadb "github.com/aquasecurity/trivy-java-db/pkg/db"

	"github.com/pave-platform/pave/internal/imagetest"
)

// jar is a Java archive that says what it is.
func jar(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("META-INF/maven/org.example/library/pom.properties")
	must(t, err)
	_, err = w.Write([]byte("groupId=org.example\nartifactId=library\nversion=1.2.3\n"))
	must(t, err)
	must(t, z.Close())
	return b.String()
}

// javaIndex puts an index without entries beside the database in dir.
func javaIndex(t *testing.T, dir string, schema int) {
	t.Helper()
	dir = filepath.Join(dir, "java-db")
	index, err := javadb.New(dir)
	must(t, err)
	must(t, index.Init())
	must(t, index.Close())
	metadata := javadb.NewMetadata(dir)
	must(t, metadata.Update(javadb.Metadata{Version: schema, UpdatedAt: time.Now(), NextUpdate: time.Now().Add(time.Hour)}))
}

func TestJavaArchivesAreScannedWithTheJavaIndex(t *testing.T) {
	o := options(t, imagetest.Image(t, map[string]string{"app/library.jar": jar(t)}))
	javaIndex(t, o.Database.Dir, javadb.SchemaVersion)
	r := run(t, o)
	if text := read(t, filepath.Join(o.Output, "scan.json")); !strings.Contains(text, "org.example:library") {
		t.Errorf("the package in the archive is not in the report:\n%s", text)
	}
	if slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "not scanned") }) {
		t.Errorf("warnings: %q", r.Warnings)
	}
}

func TestAnUnusableJavaIndexIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		schema int
		damage func(dir string) error
		want   string
	}{
		"another schema": {7, func(string) error { return nil }, "has schema 7, this pave reads schema 1"},
		"no metadata":    {1, func(dir string) error { return os.Remove(filepath.Join(dir, "java-db", "metadata.json")) }, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, imagetest.Image(t, map[string]string{"app/library.jar": jar(t)}))
			javaIndex(t, o.Database.Dir, c.schema)
			must(t, c.damage(o.Database.Dir))
			r := run(t, o)
			if !slices.ContainsFunc(r.Warnings, func(w string) bool {
				return strings.Contains(w, "1 Java archive(s) were not scanned") && strings.Contains(w, c.want)
			}) {
				t.Errorf("warnings %q lack %q", r.Warnings, c.want)
			}
		})
	}
}
