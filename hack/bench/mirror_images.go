package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The list: images with three layers of their own and a base that every eighth
// has too, as images of one publisher do.
const (
	mirrorImages = 40
	mirrorBases  = 8
)

// mirrored is an image of the list.
type mirrored struct{ name, tag string }

// images puts the list into the source, mirrorMB in all.
func (m *mirrorLab) images(ctx context.Context) ([]mirrored, error) {
	unit := max(1, m.mirrorMB*10/(mirrorBases*30+mirrorImages*41)) // tenths of the megabyte that the sizes below are in
	var list []mirrored
	for i := range mirrorImages {
		layers := []layerOf{{200 + i%mirrorBases, 30 * unit}, {i, 25 * unit}, {i + 50, 10 * unit}, {i + 100, 6 * unit}}
		app := mirrored{fmt.Sprintf("app%02d", i), "1.0"}
		if err := m.image(ctx, app, layers); err != nil {
			return nil, err
		}
		list = append(list, app)
	}
	return list, nil
}

// large puts an image with one layer of 1 GiB into the source.
func (m *mirrorLab) large(ctx context.Context) error {
	if m.largeList != nil {
		return nil
	}
	app := mirrored{"large", "1.0"}
	if err := m.image(ctx, app, []layerOf{{255, 10 << 10}}); err != nil {
		return err
	}
	m.largeList = []mirrored{app}
	return nil
}

// layerOf is a layer of noise.
type layerOf struct{ seed, tenths int } // of a megabyte

func (m *mirrorLab) image(ctx context.Context, app mirrored, layers []layerOf) error {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{Architecture: "amd64", OS: "linux", Author: app.name, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		return err
	}
	for _, l := range layers {
		layer, err := m.layer(l)
		if err != nil {
			return err
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			return err
		}
	}
	ref, err := name.NewTag(m.source.address + "/up/" + app.name + ":" + app.tag)
	if err != nil {
		return err
	}
	return remote.Write(ref, img, remote.WithContext(ctx))
}

// layer makes a gzipped tar of bytes that do not compress, stored, so that no
// program has a reason to compress it again.
func (m *mirrorLab) layer(l layerOf) (v1.Layer, error) {
	path := m.path("mirror", "layers", fmt.Sprintf("%d-%d.tar.gz", l.seed, l.tenths))
	if _, err := os.Stat(path); err != nil {
		if err := writeLayer(path, l); err != nil {
			return nil, err
		}
	}
	return tarball.LayerFromFile(path, tarball.WithMediaType(types.OCILayer))
}

func writeLayer(path string, l layerOf) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	zip, err := gzip.NewWriterLevel(f, gzip.NoCompression)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	w := tar.NewWriter(zip)
	size := int64(l.tenths) << 20 / 10
	err = w.WriteHeader(&tar.Header{Name: fmt.Sprintf("opt/%d", l.seed), Mode: 0o644, Size: size, Format: tar.FormatPAX})
	if err == nil {
		_, err = io.CopyN(w, rand.NewChaCha8([32]byte{byte(l.seed), byte(l.tenths), byte(l.tenths >> 8)}), size)
	}
	return errors.Join(err, w.Close(), zip.Close(), f.Close())
}
