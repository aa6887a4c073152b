package image

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// checkSource refuses a folder that the go builder cannot build.
func checkSource(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fault.Inputf("source: %w", err)
	case !info.IsDir():
		return fault.Inputf("source %s is not a folder", dir)
	case exists(filepath.Join(dir, "go.mod")):
		return nil
	case exists(filepath.Join(dir, "Dockerfile")):
		return fault.Inputf("no go.mod in %s, but a Dockerfile", dir).Fix("build it with the dockerfile builder")
	}
	return fault.Inputf("no go.mod and no Dockerfile in %s", dir).Fix("give the folder of a Go module, or one with a Dockerfile")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// mainPackage finds the package to compile: the one that is asked for, or the
// only one at the top or below cmd.
func mainPackage(ctx context.Context, tool *goTool, asked string) (goPackage, error) {
	patterns := []string{"."}
	if asked != "" {
		patterns = []string{asked}
	} else if exists(filepath.Join(tool.dir, "cmd")) {
		patterns = append(patterns, "./cmd/...")
	}
	all, err := tool.list(ctx, patterns...)
	if err != nil {
		return goPackage{}, err
	}
	var mains []goPackage
	var names []string
	for _, p := range all {
		if p.Name == "main" {
			mains = append(mains, p)
			names = append(names, relative(tool.dir, p))
		}
	}
	switch {
	case len(mains) == 1:
		return mains[0], nil
	case len(mains) > 1:
		return goPackage{}, fault.Inputf("%s has several main packages: %s", tool.dir, strings.Join(names, ", ")).Fix("choose one with --package")
	case asked != "":
		return goPackage{}, fault.Inputf("%s in %s is not a main package", asked, tool.dir).Fix("give the folder of a main package, as in --package ./cmd/app")
	}
	return goPackage{}, fault.Inputf("no main package at the top of %s or below cmd", tool.dir).Fix("name one with --package")
}

func relative(dir string, p goPackage) string {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return p.ImportPath
	}
	rel, err := filepath.Rel(absolute, p.Dir)
	if err != nil {
		return p.ImportPath
	}
	if rel == "." {
		return rel
	}
	return "./" + filepath.ToSlash(rel)
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// binaryName is the name that go install gives: the import path's last
// element, not counting a major version.
func binaryName(importPath string) string {
	base := path.Base(importPath)
	if majorVersion.MatchString(base) && path.Dir(importPath) != "." {
		return path.Base(path.Dir(importPath))
	}
	return base
}
