package vulndb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/registry"
)

// keepFor is how long a replaced database stays in the cache, so that a scan
// that still reads it can end.
const keepFor = time.Hour

// Fetch is Pull into a cache folder, one folder per repository and digest: what
// is there already is not downloaded again. The registry is always asked, so
// that nobody scans with an old database without knowing.
func Fetch(ctx context.Context, client *registry.Client, refs []string, cache string, maxAge time.Duration) (Database, string, error) {
	return first(ctx, refs, func(from name.Reference, what string) (Database, string, error) {
		head, err := remote.Head(from, client.Remote(ctx)...)
		if err != nil {
			return Database{}, "", registry.Explain(what, from.Context().Registry, err)
		}
		pinned := from.Context().Digest(head.Digest.String())
		dir := filepath.Join(cache, fmt.Sprintf("%x", sha256.Sum256([]byte(from.Context().String())))[:16], head.Digest.Hex)
		if d, err := check(dir, what, maxAge, time.Now()); err == nil {
			return d, pinned.String(), nil
		}
		d, ref, err := pull(ctx, client, pinned, what, dir, maxAge)
		if err == nil {
			prune(dir)
		}
		return d, ref, err
	})
}

// prune removes the databases that keep replaced.
func prune(keep string) {
	siblings, err := os.ReadDir(filepath.Dir(keep))
	if err != nil {
		return // a full cache is no reason to fail a scan
	}
	for _, s := range siblings {
		info, err := s.Info()
		if err != nil || s.Name() == filepath.Base(keep) || time.Since(info.ModTime()) < keepFor {
			continue
		}
		_ = os.RemoveAll(filepath.Join(filepath.Dir(keep), s.Name()))
	}
}

// CacheDir is where Fetch keeps databases by default: the user's cache folder,
// or the temporary folder where there is no user, as in an empty container.
func CacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "pave", "vulnerability-database")
}
