package ociarchive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Write writes img to path as an OCI layout in a tar file, byte for byte the
// same for the same image. An earlier file stays until the new one is whole.
func Write(path string, img v1.Image) error {
	c := content{}
	if err := c.addImage(img); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return c.write(path, img)
}

// WriteIndex is Write for an index of images.
func WriteIndex(path string, idx v1.ImageIndex) error {
	c := content{}
	if err := c.addIndex(idx); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return c.write(path, idx)
}

// content is what goes into the tar: each blob once.
type content map[v1.Hash]blob

type blob struct {
	size int64
	open func() (io.ReadCloser, error)
}

func (c content) addIndex(idx v1.ImageIndex) error {
	if err := c.addRaw(idx.RawManifest()); err != nil {
		return err
	}
	m, err := idx.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range m.Manifests {
		if d.MediaType.IsIndex() {
			child, err := idx.ImageIndex(d.Digest)
			if err != nil {
				return err
			}
			if err := c.addIndex(child); err != nil {
				return err
			}
			continue
		}
		img, err := idx.Image(d.Digest)
		if err != nil {
			return err
		}
		if err := c.addImage(img); err != nil {
			return err
		}
	}
	return nil
}

func (c content) addImage(img v1.Image) error {
	if err := c.addRaw(img.RawManifest()); err != nil {
		return err
	}
	if err := c.addRaw(img.RawConfigFile()); err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		h, err := l.Digest()
		if err != nil {
			return err
		}
		size, err := l.Size()
		if err != nil {
			return err
		}
		c[h] = blob{size, l.Compressed}
	}
	return nil
}

func (c content) addRaw(raw []byte, err error) error {
	if err != nil {
		return err
	}
	h, size, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	c[h] = blob{size, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }}
	return nil
}

func (c content) write(path string, root partial.Describable) (err error) {
	desc, err := partial.Descriptor(root)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(c.writeTar(f, *desc), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (c content) writeTar(w io.Writer, root v1.Descriptor) error {
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{root}})
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	for _, file := range []struct{ name, text string }{
		{"oci-layout", `{"imageLayoutVersion":"1.0.0"}`},
		{"index.json", string(index)},
	} {
		if err := addFile(t, file.name, int64(len(file.text)), strings.NewReader(file.text)); err != nil {
			return err
		}
	}
	for _, h := range slices.SortedFunc(maps.Keys(c), func(x, y v1.Hash) int { return strings.Compare(x.Hex, y.Hex) }) {
		if err := c.writeBlob(t, h); err != nil {
			return fmt.Errorf("blob %s: %w", h, err)
		}
	}
	return t.Close()
}

func (c content) writeBlob(t *tar.Writer, h v1.Hash) error {
	r, err := c[h].open()
	if err != nil {
		return err
	}
	return errors.Join(addFile(t, "blobs/"+h.Algorithm+"/"+h.Hex, c[h].size, r), r.Close())
}

// addFile adds a file without a time or an owner, so that equal content gives
// equal bytes.
func addFile(t *tar.Writer, name string, size int64, r io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err := io.Copy(t, r)
	return err
}
