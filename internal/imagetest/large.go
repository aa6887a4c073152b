package imagetest

import (
	"archive/tar"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// fileSize is the size of each file in a large image: a thousand in every 64 MB.
const fileSize = 64 << 10

// Large adds layers to img that hold megabytes of files, which compress to
// about a half, as programs do. The layers are files in a folder of the test.
func Large(t testing.TB, img v1.Image, megabytes int) v1.Image {
	t.Helper()
	const perLayer = 100
	dir := t.TempDir()
	for i := 0; megabytes > 0; i++ {
		path := filepath.Join(dir, fmt.Sprintf("layer-%d.tar.gz", i))
		must(t, writeLarge(path, i, min(megabytes, perLayer)<<20/fileSize))
		l, err := tarball.LayerFromFile(path)
		must(t, err)
		img, err = mutate.AppendLayers(img, l)
		must(t, err)
		megabytes -= perLayer
	}
	return img
}

func writeLarge(path string, layer, files int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	zip, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := tar.NewWriter(zip)
	random := rand.New(rand.NewPCG(1, uint64(layer)))
	content := make([]byte, fileSize)
	for i := range files {
		for at := 0; at < fileSize; at += 16 { // eight random bytes, eight zeros
			binary.LittleEndian.PutUint64(content[at:], random.Uint64())
		}
		h := &tar.Header{Name: fmt.Sprintf("opt/%d/%02d/file-%05d", layer, i%50, i), Mode: 0o644, Size: fileSize, Format: tar.FormatPAX}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	for _, c := range []io.Closer{w, zip} {
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}
