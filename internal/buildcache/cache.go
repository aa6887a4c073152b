// Package buildcache keeps what takes minutes to build: under the user's cache
// folder, by a key of everything that goes into it, whole or not at all, and one
// build at a time.
package buildcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Cache holds finished parts under a key of everything that goes into them.
// An entry is either whole or not there.
type Cache struct {
	Dir string
	Progress
}

// New gives the cache of that name.
func New(name string, p Progress) (*Cache, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no cache folder: %w", err)
	}
	return &Cache{Dir: filepath.Join(user, "pave", name), Progress: p}, nil
}

// Path gives where the part with that key is or will be.
func (c *Cache) Path(part, key string) string { return filepath.Join(c.Dir, part, key) }

// Has says whether the part is there.
func (c *Cache) Has(part, key string) bool {
	_, err := os.Stat(c.Path(part, key))
	return err == nil
}

// Make gives the folder of a part, and builds it first where it is missing:
// beside its final place, then renamed, so that an interrupted build leaves no
// entry. The caller holds the cache's lock.
func (c *Cache) Make(part, key, what string, build func(dir string) error) (string, error) {
	final := c.Path(part, key)
	if c.Has(part, key) {
		return final, nil
	}
	temp := filepath.Join(c.Dir, part, ".unfinished-"+key)
	if err := os.RemoveAll(temp); err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }() // after a success it is not there any more
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return "", err
	}
	if err := c.Stage(what, func() error { return build(temp) }); err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	return final, os.Rename(temp, final)
}

// Lock serialises building among processes that share the cache.
func (c *Cache) Lock(ctx context.Context) (func(), error) {
	return Lock(ctx, filepath.Join(c.Dir, "lock"), func() {
		c.Sayf("waiting for another process to finish building…")
	})
}

// Key is a digest over the inputs in their order, and over the platform.
func Key(inputs ...string) string {
	h := sha256.New()
	for _, in := range append([]string{runtime.GOOS + "/" + runtime.GOARCH}, inputs...) {
		fmt.Fprintf(h, "%d:%s", len(in), in) // length first: "ab","c" is not "a","bc"
	}
	return hex.EncodeToString(h.Sum(nil))[:20]
}

// TreeKey is a digest over the names and contents of all regular files in dir.
func TreeKey(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		content := sha256.New()
		if _, err := io.Copy(content, f); err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %x\n", strings.TrimPrefix(path, dir), content.Sum(nil))
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), err
}
