package buildcache

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/subprocess"
)

// GoVersion is the toolchain that compiles other projects' programs.
const GoVersion = "1.26.8"

// GoEnv is the environment of a go command on another module: this repository's
// own build settings must not leak into its build.
func GoEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"GOFLAGS", "GOEXPERIMENT", "GOWORK", "GOOS", "GOARCH", "CGO_ENABLED", "GOTOOLCHAIN"}, name)
	})
	return append(env, "GOWORK=off", "CGO_ENABLED=0", "GOTOOLCHAIN=go"+GoVersion)
}

// GoFlags are the flags of every GoBuild; ldflags come on top of those that
// leave out the symbols.
func GoFlags(ldflags string) []string {
	return []string{"-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=" + strings.TrimSpace("-s -w "+ldflags)}
}

// GoBuild compiles packages, as the go.mod in the folder source has them, into
// the folder dir. Flags may precede the packages.
func GoBuild(ctx context.Context, source, dir, ldflags string, packages ...string) error {
	if _, err := exec.LookPath("go"); err != nil {
		return fault.Failedf("%w", err).Fix("install Go %s or later", GoVersion)
	}
	args := append([]string{"build", "-C", source, "-o", dir + string(filepath.Separator)}, GoFlags(ldflags)...)
	cmd := subprocess.Command(ctx, "go", append(args, packages...)...)
	cmd.Env = GoEnv()
	return subprocess.Quietly(ctx, cmd)
}
