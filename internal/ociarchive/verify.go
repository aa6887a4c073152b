package ociarchive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
)

// maxManifest bounds JSON read into memory: registries refuse manifests above
// 4 MiB, configs may be larger.
const maxManifest = 16 << 20

func isBlob(name string) bool { return strings.HasPrefix(name, "blobs/") }

// blobHash reads a digest from blobs/<algorithm>/<hex>.
func blobHash(name string) (v1.Hash, error) {
	algorithm, encoded := path.Split(strings.TrimPrefix(name, "blobs/"))
	h, err := v1.NewHash(strings.TrimSuffix(algorithm, "/") + ":" + encoded)
	if err != nil || h.Algorithm != "sha256" {
		return v1.Hash{}, fault.Inputf("%s: the name is not blobs/sha256/<hex>", name).Fix(exportAgain)
	}
	return h, nil
}

// verify reads r to its end and compares its digest with want.
func verify(ctx context.Context, want v1.Hash, r io.Reader) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, contextReader{ctx, r}); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want.Hex {
		return fault.Inputf("blob %s is altered: its content is sha256:%s", want, got).Fix(exportAgain)
	}
	return nil
}

// contextReader makes a long read end when the context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

func readSmall(r io.Reader, what string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err == nil && len(b) > maxManifest {
		return nil, fault.Inputf("%s is larger than %d MiB", what, maxManifest>>20)
	}
	return b, err
}

func missing(h v1.Hash) error {
	return fault.Inputf("blob %s is missing", h).Fix(exportAgain)
}
