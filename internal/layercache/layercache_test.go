package layercache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/layercache"
)

// counted counts how often any of an image's layers is inflated.
type counted struct {
	v1.Image
	inflated *atomic.Int64
}

func (c counted) Layers() ([]v1.Layer, error) {
	layers, err := c.Image.Layers()
	for i, l := range layers {
		layers[i] = countedLayer{l, c.inflated}
	}
	return layers, err
}

type countedLayer struct {
	v1.Layer
	inflated *atomic.Int64
}

func (c countedLayer) Uncompressed() (io.ReadCloser, error) {
	c.inflated.Add(1)
	return c.Layer.Uncompressed()
}

func testImage(t *testing.T) v1.Image {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	img, err := random.Image(1<<16, 3)
	if err != nil {
		t.Fatal(err)
	}
	// A layer that is in the image twice is one blob with two positions.
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.AppendLayers(img, layers[0]); err != nil {
		t.Fatal(err)
	}
	return img
}

func TestEachLayerIsInflatedOnceForManyReaders(t *testing.T) {
	img := testImage(t)
	var inflated atomic.Int64
	cache, err := layercache.New(t.Context(), counted{img, &inflated})
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i, id := range config.RootFS.DiffIDs {
				if !bytes.Equal(content(t, cache, id), content(t, img, id)) {
					t.Errorf("layer %d differs from the original", i)
				}
			}
		})
	}
	readers.Wait()
	if got := inflated.Load(); got != 3 {
		t.Errorf("three different layers were inflated %d times", got)
	}
}

func content(t *testing.T, img v1.Image, id v1.Hash) []byte {
	l, err := img.LayerByDiffID(id)
	if err != nil {
		t.Error(err)
		return nil
	}
	r, err := l.Uncompressed()
	if err != nil {
		t.Error(err)
		return nil
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return b
}

func TestACachedImageIsStillAValidImage(t *testing.T) {
	cache, err := layercache.New(t.Context(), testImage(t))
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	if err := validate.Image(cache); err != nil {
		t.Error(err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	img := testImage(t)
	cache, err := layercache.New(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	layers, _ := cache.Layers()
	r, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if left := temporary(t); len(left) != 1 {
		t.Fatalf("the cache is not where the test looks: %q", left)
	}
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	if left := temporary(t); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func temporary(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestACancelledContextEndsTheInflation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cache, err := layercache.New(ctx, testImage(t))
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	cancel()
	layers, _ := cache.Layers()
	if _, err := layers[0].Uncompressed(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancellation", err)
	}
}

func TestAnImageWhoseConfigurationDisagreesIsRefused(t *testing.T) {
	img := testImage(t)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.RootFS.DiffIDs = config.RootFS.DiffIDs[1:]
	if _, err := layercache.New(t.Context(), wrongConfig{img, config}); fault.KindOf(err) != fault.Input {
		t.Errorf("got %v", err)
	}
	if left := temporary(t); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

type wrongConfig struct {
	v1.Image
	config *v1.ConfigFile
}

func (w wrongConfig) ConfigFile() (*v1.ConfigFile, error) { return w.config, nil }
