// Package chart takes the base chart through its life: values from
// platform.yaml, lint, manifests, a package and a push to an OCI registry, with
// Helm's own libraries in process. It promises that the same chart and values
// give the same bytes on any machine: the same manifests, the same package, the
// same digest in the registry.
package chart

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	helm "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	base "github.com/pave-platform/pave/golden-path/chart"
	"github.com/pave-platform/pave/internal/fault"
)

// load reads and validates the chart at path, a folder or a .tgz; an empty path
// is the base chart in this binary.
func load(ctx context.Context, path string) (*helm.Chart, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := read(path)
	if err == nil {
		err = c.Validate()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Inputf("chart %s: %w", path, err).Fix("give the folder that holds Chart.yaml")
	case err != nil:
		return nil, fault.Inputf("chart %s: %s", label(path), oneLine(err))
	}
	return c, nil
}

func read(path string) (*helm.Chart, error) {
	if path != "" {
		return loader.Load(path)
	}
	var files []*loader.BufferedFile
	err := fs.WalkDir(base.Files, base.Name, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := base.Files.ReadFile(path)
		name := strings.TrimPrefix(path, base.Name+"/")
		files = append(files, &loader.BufferedFile{Name: name, Data: data})
		return err
	})
	if err != nil {
		return nil, err
	}
	return loader.LoadFiles(files)
}

// onDisk gives a folder with the chart, for the linter, which reads folders
// only. done removes what it made.
func onDisk(path string) (dir string, done func() error, err error) {
	if path != "" {
		return path, func() error { return nil }, nil
	}
	dir, err = os.MkdirTemp("", "pave-chart-")
	if err != nil {
		return "", nil, err
	}
	done = func() error { return os.RemoveAll(dir) }
	if err := os.CopyFS(dir, base.Files); err != nil {
		return "", nil, errors.Join(err, done())
	}
	return dir + "/" + base.Name, done, nil
}

func label(path string) string {
	if path == "" {
		return base.Name
	}
	return path
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
