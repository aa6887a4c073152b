// Package program builds the real servers and tools that tests run, from pinned Go
// modules of their own, so that no test needs a download by hand, a container
// or the network after the first time.
package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/subprocess"
)

// Program is one command of a Go module.
type Program struct {
	Name    string // what it is called, in a message and in the cache
	Module  string // the folder with its go.mod and go.sum, below hack/lab
	Package string // the main package; the binary has its last element as name
	LDFlags string // on top of the usual ones
}

// Path gives the compiled program. The first call on a machine takes minutes,
// in which only one program is built at a time; the result is kept by its
// module's files, flags and toolchain.
func (p Program) Path(ctx context.Context) (string, error) {
	cache, err := buildcache.New("lab", buildcache.Progress{Name: "lab", W: os.Stderr})
	if err != nil {
		return "", err
	}
	source, err := Dir(p.Module)
	if err != nil {
		return "", err
	}
	content, err := buildcache.TreeKey(source)
	if err != nil {
		return "", err
	}
	key := buildcache.Key(append(buildcache.GoFlags(p.LDFlags), buildcache.GoVersion, p.Package, content)...)
	built := filepath.Join(cache.Path(p.Name, key), p.binary())
	if cache.Has(p.Name, key) {
		return built, nil
	}
	unlock, err := cache.Lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	_, err = cache.Make(p.Name, key, "building "+p.Name, func(dir string) error {
		return buildcache.GoBuild(ctx, source, dir, p.LDFlags, p.Package)
	})
	return built, err
}

// Build makes those of the programs that are missing, one after the other.
func Build(ctx context.Context, programs []Program) error {
	for _, p := range programs {
		if _, err := p.Path(ctx); err != nil {
			return err
		}
	}
	return nil
}

// binary is what `go build -o FOLDER/` calls it. A last element like v3 is a
// version, not a name.
func (p Program) binary() string {
	name := filepath.Base(p.Package)
	if strings.HasPrefix(name, "v") && strings.Trim(name[1:], "0123456789") == "" {
		name = filepath.Base(filepath.Dir(p.Package))
	}
	return name
}

// Binary is Path for a test.
func Binary(t testing.TB, p Program) string {
	t.Helper()
	path, err := p.Path(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Dir gives a folder of hack/lab, of the repository above the working folder.
func Dir(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		found := filepath.Join(dir, "hack", "lab", name)
		if _, err := os.Stat(filepath.Join(found, "go.mod")); err == nil {
			return found, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("hack/lab/" + name + " is not above the working folder: run the tests in the repository")
		}
		dir = parent
	}
}

// Source gives the folder, in Go's module cache, of a module at a version,
// which is checked against the go.sum in a folder below hack/lab. Without
// "@VERSION" in its name it has the version of that folder's go.mod.
func Source(ctx context.Context, folder, module string) (string, error) {
	checked, err := Dir(folder)
	if err != nil {
		return "", err
	}
	cmd := subprocess.Command(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = checked
	cmd.Env = append(buildcache.GoEnv(), "GOFLAGS=-mod=mod")
	out, err := cmd.Output() // on failure too, it says why in JSON
	var said struct{ Dir, Error string }
	if len(out) == 0 || json.Unmarshal(out, &said) != nil {
		return "", fmt.Errorf("go mod download %s: %w", module, err)
	}
	if said.Error != "" {
		return "", errors.New(strings.TrimSpace(said.Error))
	}
	return said.Dir, nil
}
