package image

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// epoch is the time of everything in an image.
var epoch = time.Unix(0, 0).UTC()

// compressionLevel is fixed: another one gives other digests.
const compressionLevel = gzip.DefaultCompression

// fileLayer is a compressed layer in a temporary file. It implements v1.Layer.
type fileLayer struct {
	path           string
	digest, diffID v1.Hash
	size           int64
}

// newLayer makes a layer of what fill writes, in one pass, in a file in dir.
func newLayer(dir string, fill func(*tar.Writer) error) (v1.Layer, error) {
	f, err := os.CreateTemp(dir, "layer-*")
	if err != nil {
		return nil, err
	}
	compressed, plain := sha256.New(), sha256.New()
	zip, err := gzip.NewWriterLevel(io.MultiWriter(f, compressed), compressionLevel)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	entries := tar.NewWriter(io.MultiWriter(zip, plain))
	if err := fill(entries); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := errors.Join(entries.Close(), zip.Close()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return &fileLayer{path: f.Name(), digest: sum(compressed), diffID: sum(plain), size: info.Size()}, nil
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// Digest implements v1.Layer.
func (l *fileLayer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID implements v1.Layer.
func (l *fileLayer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// Size implements v1.Layer.
func (l *fileLayer) Size() (int64, error) { return l.size, nil }

// MediaType implements v1.Layer.
func (l *fileLayer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

// Compressed implements v1.Layer.
func (l *fileLayer) Compressed() (io.ReadCloser, error) { return os.Open(l.path) }

// Uncompressed implements v1.Layer.
func (l *fileLayer) Uncompressed() (io.ReadCloser, error) {
	f, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{zip, f}, nil
}

// entry is a file or a folder of a layer, owned by root unless it says so.
type entry struct {
	name    string // without a leading slash; a folder's ends in one
	mode    int64
	owner   int
	content io.Reader
	size    int64
}

// writeEntries writes entries in their order, at the epoch.
func writeEntries(t *tar.Writer, entries ...entry) error {
	for _, e := range entries {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: e.size, Uid: e.owner, Gid: e.owner, ModTime: epoch}
		if e.content == nil {
			header.Typeflag = tar.TypeDir
		}
		if err := t.WriteHeader(header); err != nil {
			return err
		}
		if e.content == nil {
			continue
		}
		if _, err := io.Copy(t, e.content); err != nil {
			return err
		}
	}
	return nil
}
