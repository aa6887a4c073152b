package main

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

// cache holds finished parts under a key of everything that goes into them.
// An entry is either whole or not there.
type cache struct {
	dir string
	progress
}

func newCache(p progress) (*cache, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no cache folder: %w", err)
	}
	return &cache{dir: filepath.Join(user, "pave", "engine"), progress: p}, nil
}

// path gives where the part with that key is or will be.
func (c *cache) path(part, key string) string { return filepath.Join(c.dir, part, key) }

// has says whether the part is there.
func (c *cache) has(part, key string) bool {
	_, err := os.Stat(c.path(part, key))
	return err == nil
}

// make gives the folder of a part, and builds it first where it is missing:
// beside its final place, then renamed, so that an interrupted build leaves no
// entry. The caller holds the cache's lock.
func (c *cache) make(part, key, what string, build func(dir string) error) (string, error) {
	final := c.path(part, key)
	if c.has(part, key) {
		return final, nil
	}
	temp := filepath.Join(c.dir, part, ".unfinished-"+key)
	if err := os.RemoveAll(temp); err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }() // after a success it is not there any more
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return "", err
	}
	if err := c.stage(what, func() error { return build(temp) }); err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	return final, os.Rename(temp, final)
}

// lock serialises building among processes that share the cache.
func (c *cache) lock(ctx context.Context) (func(), error) {
	return lock(ctx, filepath.Join(c.dir, "lock"), func() {
		c.sayf("waiting for another engine command to finish building…")
	})
}

// contentKey is a digest over the inputs in their order, and over the platform.
func contentKey(inputs ...string) string {
	h := sha256.New()
	for _, in := range append([]string{runtime.GOOS + "/" + runtime.GOARCH}, inputs...) {
		fmt.Fprintf(h, "%d:%s", len(in), in) // length first: "ab","c" is not "a","bc"
	}
	return hex.EncodeToString(h.Sum(nil))[:20]
}

// treeKey is a digest over the names and contents of all regular files in dir.
func treeKey(dir string) (string, error) {
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
