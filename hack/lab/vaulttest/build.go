package vaulttest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// binary gives the path of the compiled server. The first call on a machine
// takes minutes; the result is kept under the user's cache folder, named after
// the sources and the toolchain.
func binary(t testing.TB) string {
	t.Helper()
	source, err := sourceDir()
	must(t, err)
	key, err := contentKey(source)
	must(t, err)
	cache, err := os.UserCacheDir()
	must(t, err)
	dir := filepath.Join(cache, "pave", "lab")
	path := filepath.Join(dir, "vault-"+key)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	must(t, os.MkdirAll(dir, 0o755))
	t.Logf("compiling Vault to %s: minutes, once", path)
	built := fmt.Sprintf("%s.%d", path, os.Getpid())
	defer os.Remove(built)
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", built, ".")
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compile Vault: %v\n%s", err, out)
	}
	must(t, os.Rename(built, path)) // whole, or not there
	return path
}

// sourceDir finds hack/lab/vault above the test's folder.
func sourceDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		source := filepath.Join(dir, "hack", "lab", "vault")
		if _, err := os.Stat(filepath.Join(source, "go.mod")); err == nil {
			return source, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("hack/lab/vault is not above the working folder: run the tests in the repository")
		}
		dir = parent
	}
}

func contentKey(source string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, name, len(content))
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}
