package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pave-platform/pave/internal/ociarchive"
)

// imageSize is the size of the image that gates are measured on, in bytes of
// files: what a large service weighs.
const imageSize = 500 << 20

// bigImage is an OCI tarball with gzipped layers, as a registry has them: a few
// Debian packages, the Go toolchain (15,000 files, many programs), pave itself
// (a program with a thousand modules), and data up to imageSize.
func (l *lab) bigImage(ctx context.Context) (string, error) {
	return l.image.get(func() (string, error) {
		pave, err := l.paveBinary(ctx)
		if err != nil {
			return "", err
		}
		goroot, err := l.exec(ctx, l.repository, "go", "env", "GOROOT")
		if err != nil {
			return "", err
		}
		l.say("making an image of %d MB", imageSize>>20)
		b := &imageBuilder{ctx: ctx, dir: l.path("layers"), image: empty.Image}
		defer os.RemoveAll(b.dir)
		for _, add := range []func(*layerWriter) error{
			debianPackages,
			func(w *layerWriter) error { return w.folder("usr/local/go", strings.TrimSpace(goroot.stdout)) },
			func(w *layerWriter) error { return w.file("usr/local/bin/pave", pave) },
			func(w *layerWriter) error { return w.data("var/lib/app", imageSize-b.size-w.size) },
		} {
			if err := b.layer(add); err != nil {
				return "", fmt.Errorf("image: %w", err)
			}
		}
		img, err := mutate.ConfigFile(b.image, b.config())
		if err != nil {
			return "", err
		}
		path := l.path("image.tar")
		return path, ociarchive.Write(path, img)
	})
}

// imageBuilder stacks layers whose content is in files, so that no image is
// ever in memory.
type imageBuilder struct {
	ctx   context.Context
	dir   string
	image v1.Image
	size  int64 // of the files so far
	count int
}

func (b *imageBuilder) layer(add func(*layerWriter) error) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	b.count++
	name := filepath.Join(b.dir, fmt.Sprintf("%d.tar.gz", b.count))
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	zip, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := &layerWriter{ctx: b.ctx, tar: tar.NewWriter(zip)}
	if err := errors.Join(add(w), w.tar.Close(), zip.Close(), f.Close()); err != nil {
		return err
	}
	layer, err := tarball.LayerFromFile(name)
	if err != nil {
		return err
	}
	b.size += w.size
	b.image, err = mutate.AppendLayers(b.image, layer)
	return err
}

// config completes the image's own with its platform.
func (b *imageBuilder) config() *v1.ConfigFile {
	c, err := b.image.ConfigFile()
	if err != nil {
		c = &v1.ConfigFile{}
	}
	c.OS, c.Architecture = "linux", "amd64"
	return c
}

// layerWriter writes the files of one layer.
type layerWriter struct {
	ctx  context.Context
	tar  *tar.Writer
	size int64
}

func (w *layerWriter) write(name string, size int64, content io.Reader) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	h := &tar.Header{Name: name, Mode: 0o755, Size: size, Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.Copy(w.tar, content)
	w.size += n
	return err
}

func (w *layerWriter) file(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return w.write(name, info.Size(), f)
}

// folder adds the regular files below from.
func (w *layerWriter) folder(name, from string) error {
	return filepath.WalkDir(from, func(file string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		return w.file(path.Join(name, filepath.ToSlash(rel)), file)
	})
}

// data adds files of a megabyte that do not compress, the same ones each time.
func (w *layerWriter) data(name string, size int64) error {
	random := rand.NewChaCha8([32]byte{})
	for i := 0; size > 0; i++ {
		part := min(size, 1<<20)
		if err := w.write(fmt.Sprintf("%s/%04d.bin", name, i), part, io.LimitReader(random, part)); err != nil {
			return err
		}
		size -= part
	}
	return nil
}

// debianPackages is a Debian 12 with a few packages that have had
// vulnerabilities.
func debianPackages(w *layerWriter) error {
	var status strings.Builder
	for _, p := range [][3]string{
		{"libssl3", "openssl", "3.0.11-1~deb12u2"},
		{"libcurl4", "curl", "7.88.1-10+deb12u1"},
		{"libexpat1", "expat", "2.5.0-1"},
	} {
		fmt.Fprintf(&status, "Package: %s\nStatus: install ok installed\nArchitecture: amd64\nSource: %s\nVersion: %s\n"+
			"Maintainer: Somebody <somebody@example.org>\nDescription: %[1]s\n\n", p[0], p[1], p[2])
	}
	for _, f := range [][2]string{
		{"etc/debian_version", "12.5\n"},
		{"etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n"},
		{"var/lib/dpkg/status", status.String()},
	} {
		if err := w.write(f[0], int64(len(f[1])), bytes.NewBufferString(f[1])); err != nil {
			return err
		}
	}
	return nil
}
