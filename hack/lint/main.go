// Command lint runs golangci-lint over every Go module of this repository:
//
//	go run -C hack/lint .          # report
//	go run -C hack/lint . --fix    # and repair what can be repaired
//
// The linter is pinned in this folder's go.mod, apart from what the repository
// is built with, and its configuration is .golangci.yml at the root.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(1)
	}
}

// run lints all modules, also after one has findings.
func run(ctx context.Context, args []string) error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	linter, err := build(ctx)
	if err != nil {
		return err
	}
	modules, err := goModules(root)
	if err != nil {
		return err
	}
	var findings []error
	for _, dir := range modules {
		name, err := filepath.Rel(root, dir)
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "lint", name)
		cmd := exec.CommandContext(ctx, linter, append([]string{"run", "--config", filepath.Join(root, ".golangci.yml")}, args...)...)
		cmd.Dir = dir
		cmd.Env = environment()
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			findings = append(findings, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(findings...)
}

// build gives the path of the linter, compiled on first use into Go's cache.
func build(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", "-n", "golangci-lint")
	cmd.Env = environment()
	cmd.Stderr = os.Stderr
	path, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("golangci-lint does not build: %w", err)
	}
	return strings.TrimSpace(string(path)), nil
}

// environment is the one that the repository is built with: another one would
// compile every dependency a second time.
func environment() []string {
	return append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=jsonv2", "GOFLAGS=-trimpath -buildvcs=false")
}

// goModules finds the folders with a go.mod. Dagger modules compile only after
// `dagger develop` has made their client; until then they are left out.
func goModules(root string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch d.Name() {
		case ".git", "out", "bin", "testdata", "node_modules":
			if d.IsDir() {
				return filepath.SkipDir
			}
		case "go.mod":
			dir := filepath.Dir(path)
			if !isFile(filepath.Join(dir, "dagger.json")) || dir == root || isFile(filepath.Join(dir, "dagger.gen.go")) {
				found = append(found, dir)
			}
		}
		return nil
	})
	return found, err
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
