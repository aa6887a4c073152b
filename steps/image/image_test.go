package image_test

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
)

// module writes a Go module; files are name, content pairs.
func module(t *testing.T, files ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, append([]string{"go.mod", "module example.test/team/hello/v2\n\ngo 1.24\n"}, files...)...)
	return dir
}

func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(files[i+1]), 0o644))
	}
}

// archived writes img as a tarball.
func archived(t *testing.T, img v1.Image) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "image.tar")
	must(t, ociarchive.Write(path, img))
	return path
}

func randomImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(4096, 3)
	must(t, err)
	return img
}

// open gives the one image of a tarball.
func open(t *testing.T, path string) v1.Image {
	t.Helper()
	a, err := ociarchive.Open(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { must(t, a.Close()) })
	img, err := a.Image()
	must(t, err)
	return img
}

func digestOf(t *testing.T, img v1.Image) string {
	t.Helper()
	h, err := img.Digest()
	must(t, err)
	return h.String()
}

// tarEntry is a header and its content.
type tarEntry struct {
	*tar.Header
	content string
}

// entriesOf reads a layer, in its order.
func entriesOf(t *testing.T, l v1.Layer) (all []tarEntry) {
	t.Helper()
	r, err := l.Uncompressed()
	must(t, err)
	defer r.Close()
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		content, err := io.ReadAll(entries)
		must(t, err)
		all = append(all, tarEntry{h, string(content)})
	}
}

func layersOf(t *testing.T, img v1.Image) []v1.Layer {
	t.Helper()
	layers, err := img.Layers()
	must(t, err)
	return layers
}

func mustBeInput(t *testing.T, err error, words ...string) {
	t.Helper()
	mustBe(t, fault.Input, err, words...)
}

func mustBe(t *testing.T, kind fault.Kind, err error, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("got %v, want an error of kind %d", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %q, want it to say %q", err, w)
		}
	}
}

// mustBeEmpty checks that nothing half-done is left in a folder.
func mustBeEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s is left behind", e.Name())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
