package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/subprocess"
)

// An engine that starts on old caches looks into each cache volume for signs of a
// crash, and keeps the mount that it looked through. That one cannot be used
// twice at once, so that functions compiled side by side fail with "invalid
// argument". Dagger mended it after this version (dagger/dagger#11795); here the
// mount is forgotten once it has been looked through.
const (
	patchedFile = "internal/buildkit/cache/refs.go"
	patchAfter  = "func (cr *cacheRecord) hasDirtyVolatile(ctx context.Context) (_ bool, rerr error) {\n\tmntable, err := cr.mount(ctx)\n"
	patchAdded  = "\tcr.mountCache = nil\n"
)

// patch puts a patched copy of Dagger's module into the empty folder dir, and gives
// the flag that makes a build in the folder source use it.
func patch(ctx context.Context, source, dir string) (flag string, err error) {
	list := subprocess.Command(ctx, "go", "list", "-C", source, "-mod=readonly", "-m", "-f", "{{.Dir}}", daggerModule)
	list.Env = buildcache.GoEnv()
	original, err := subprocess.Output(list)
	if err != nil {
		return "", err
	}
	copied := filepath.Join(dir, "dagger")
	if err := copyWritable(original, copied); err != nil {
		return "", err
	}
	file := filepath.Join(copied, filepath.FromSlash(patchedFile))
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if content, err = patchedSource(content); err != nil {
		return "", err
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return "", err
	}
	return useCopy(source, dir, copied)
}

// copyWritable copies a folder of Go's module cache, where nothing can be written.
func copyWritable(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, name), 0o700)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o600)
	})
}

// useCopy writes a go.mod that has the copy in place of the module.
func useCopy(source, dir, copied string) (flag string, err error) {
	mod, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(source, "go.sum"))
	if err != nil {
		return "", err
	}
	mod = fmt.Appendf(mod, "\nreplace %s => %s\n", daggerModule, copied)
	file := filepath.Join(dir, "patched.mod")
	return "-modfile=" + file, errors.Join(os.WriteFile(file, mod, 0o600), os.WriteFile(filepath.Join(dir, "patched.sum"), sum, 0o600))
}

// patchedSource adds the line where it belongs; a version without that place needs
// no patch, or another one.
func patchedSource(content []byte) ([]byte, error) {
	before, after, found := bytes.Cut(content, []byte(patchAfter))
	if !found || bytes.Contains(after, []byte(patchAfter)) {
		return nil, fault.Failedf("%s of Dagger %s is not the one that the patch is for", patchedFile, DaggerVersion).
			Fix("see whether this version still needs hack/engine/patch.go")
	}
	return bytes.Join([][]byte{before, []byte(patchAfter), []byte(patchAdded), after}, nil), nil
}
