// Package helm has Helm's own command line for tests and benchmarks, in the
// version that this repository has as a library.
package helm

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/subprocess"
)

const (
	module  = "helm.sh/helm/v3"
	command = module + "/cmd/helm"
)

// CLI gives the path of the helm command, built on first use from this
// repository's own go.mod, with its build settings: most of it is compiled
// already.
func CLI(ctx context.Context) (string, error) {
	version, err := subprocess.Command(ctx, "go", "list", "-m", "-f", "{{.Version}}", module).Output()
	if err != nil {
		return "", err
	}
	cache, err := buildcache.New("lab", buildcache.Progress{Name: "lab", W: os.Stderr})
	if err != nil {
		return "", err
	}
	key := buildcache.Key(command, strings.TrimSpace(string(version)))
	built := filepath.Join(cache.Path("helm", key), "helm")
	if cache.Has("helm", key) {
		return built, nil
	}
	unlock, err := cache.Lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	_, err = cache.Make("helm", key, "building helm", func(dir string) error {
		return subprocess.Quietly(ctx, subprocess.Command(ctx, "go", "build", "-ldflags=-s -w", "-o", dir+string(filepath.Separator), command))
	})
	return built, err
}
