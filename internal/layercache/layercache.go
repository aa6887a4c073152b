// Package layercache lets several readers share one decompression of an image's
// layers. It promises that each layer is inflated at most once, on first use, to
// a temporary file that every reader then reads from, so that memory stays
// bounded by a copy buffer and not by the image.
package layercache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
)

// Image is a v1.Image whose layers are inflated once. It is safe for use by
// several goroutines. Close it to remove the temporary files.
type Image struct {
	v1.Image
	dir      string
	layers   []v1.Layer
	byDigest map[v1.Hash]v1.Layer
	byDiffID map[v1.Hash]v1.Layer
}

// New wraps img. Nothing is read yet; ctx bounds every inflation that follows.
func New(ctx context.Context, img v1.Image) (*Image, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("image configuration: %w", err)
	}
	inner, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("image layers: %w", err)
	}
	if len(inner) != len(config.RootFS.DiffIDs) {
		return nil, fault.Inputf("image has %d layers and its configuration names %d", len(inner), len(config.RootFS.DiffIDs)).
			Fix("build the image again")
	}
	dir, err := os.MkdirTemp("", "pave-layers-")
	if err != nil {
		return nil, err
	}
	c := &Image{Image: img, dir: dir, byDigest: map[v1.Hash]v1.Layer{}, byDiffID: map[v1.Hash]v1.Layer{}}
	for i, l := range inner {
		digest, err := l.Digest()
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		cached, again := c.byDigest[digest]
		if !again {
			cached = &layer{Layer: l, ctx: ctx, diffID: config.RootFS.DiffIDs[i], path: filepath.Join(dir, fmt.Sprint(i))}
			c.byDigest[digest] = cached
			c.byDiffID[config.RootFS.DiffIDs[i]] = cached
		}
		c.layers = append(c.layers, cached)
	}
	return c, nil
}

// Layers implements v1.Image.
func (c *Image) Layers() ([]v1.Layer, error) { return c.layers, nil }

// LayerByDigest implements v1.Image.
func (c *Image) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if l, ok := c.byDigest[h]; ok {
		return l, nil
	}
	return c.Image.LayerByDigest(h) // the configuration counts as a layer here
}

// LayerByDiffID implements v1.Image.
func (c *Image) LayerByDiffID(h v1.Hash) (v1.Layer, error) {
	if l, ok := c.byDiffID[h]; ok {
		return l, nil
	}
	return nil, fmt.Errorf("no layer has the diff id %s", h)
}

// Close removes the inflated layers. Readers that are still open stay valid
// where the system allows a removed file to be read.
func (c *Image) Close() error { return os.RemoveAll(c.dir) }

// layer inflates into path on first use. It is a pointer to a struct because
// Trivy looks at the type of a layer's element to see if it is compressed.
type layer struct {
	v1.Layer
	ctx    context.Context
	diffID v1.Hash
	path   string

	once sync.Once
	err  error
}

// DiffID gives what the configuration says, where an OCI layout would inflate
// the whole layer to compute it.
func (l *layer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// Uncompressed gives the layer's tar as an *os.File, which a copy to another
// file passes on inside the kernel.
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	l.once.Do(func() { l.err = l.inflate() })
	if l.err != nil {
		return nil, l.err
	}
	return os.Open(l.path)
}

func (l *layer) inflate() (err error) {
	in, err := l.Layer.Uncompressed()
	if err != nil {
		return fmt.Errorf("layer %s: %w", l.diffID, err)
	}
	defer in.Close()
	out, err := os.Create(l.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.CopyBuffer(struct{ io.Writer }{out}, cancelled{l.ctx, in}, make([]byte, 1<<20)); err != nil {
		return fmt.Errorf("layer %s: %w", l.diffID, err)
	}
	return nil
}

// cancelled makes a reader end with its context.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
