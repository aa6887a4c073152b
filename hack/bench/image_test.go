package main

import (
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/pave-platform/pave/internal/ociarchive"
)

func TestTheSameFilesMakeTheSameImage(t *testing.T) {
	if a, b := digestOf(t, smallImage(t)), digestOf(t, smallImage(t)); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

func TestAnUnpackedImageIsAnOCILayout(t *testing.T) {
	img := smallImage(t)
	tarball, dir := filepath.Join(t.TempDir(), "image.tar"), filepath.Join(t.TempDir(), "layout")
	if err := ociarchive.Write(tarball, img); err != nil {
		t.Fatal(err)
	}
	if err := unpack(tarball, dir); err != nil {
		t.Fatal(err)
	}
	l, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Image(digestOf(t, img)); err != nil {
		t.Error(err)
	}
}

func smallImage(t *testing.T) v1.Image {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "file"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &imageBuilder{ctx: t.Context(), dir: t.TempDir(), image: empty.Image}
	for _, add := range []func(*layerWriter) error{
		debianPackages,
		func(w *layerWriter) error { return w.folder("usr/local", folder) },
		func(w *layerWriter) error { return w.data("var/lib/app", 3<<19) },
	} {
		if err := b.layer(add); err != nil {
			t.Fatal(err)
		}
	}
	if b.size < 3<<19 {
		t.Errorf("%d bytes of files", b.size)
	}
	return b.image
}

func digestOf(t *testing.T, img v1.Image) v1.Hash {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}
