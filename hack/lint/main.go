// Command lint runs golangci-lint over every Go module of this repository:
//
//	go run -C hack/lint .          # report
//	go run -C hack/lint . --fix    # and repair what can be repaired
//
// A Dagger module compiles only with the client that the engine makes for it, so
// one has to run: `make lint` starts it. What it makes must be what is committed.
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
		if err := generate(ctx, dir); err != nil {
			findings = append(findings, fmt.Errorf("%s: %w", name, err))
			continue
		}
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

// generate makes the client of a Dagger module; other modules need none.
func generate(ctx context.Context, dir string) error {
	module := dir
	if filepath.Base(dir) == rootModule {
		module = filepath.Dir(dir)
	} else if !isFile(filepath.Join(dir, "dagger.json")) || len(goFiles(dir)) == 0 {
		return nil
	}
	before, err := output(ctx, dir, "git", "diff", "--", ".")
	if err != nil {
		return err
	}
	if _, err := output(ctx, dir, "dagger", "develop", "--silent", "--mod", module); err != nil {
		return err
	}
	after, err := output(ctx, dir, "git", "diff", "--", ".")
	if err == nil && before != after {
		err = fmt.Errorf("`dagger develop` changes committed files:\n%s", after)
	}
	return err
}

func output(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// rootModule is where the module of the repository's own dagger.json is.
const rootModule = ".dagger"

// goModules finds the folders with a go.mod and something to compile: some only
// pin the versions of programs.
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
			if len(goFiles(dir)) > 0 || dir == root {
				found = append(found, dir)
			}
		}
		return nil
	})
	return found, err
}

func goFiles(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go")) // the pattern is right
	return files
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
