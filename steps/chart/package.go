package chart

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
)

// PackageOptions say what to package and where to.
type PackageOptions struct {
	Chart  string // folder or .tgz; empty: the base chart
	Output string // folder for the package
}

// PackageResult is a package on disk.
type PackageResult struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"`
	Digest  string `json:"digest"` // of the file
}

// Summary gives the file and its digest.
func (r PackageResult) Summary(w io.Writer) {
	fmt.Fprintf(w, "%s %s\npackage %s\ndigest  %s\n", r.Name, r.Version, r.Path, r.Digest)
}

// Package writes the chart as <name>-<version>.tgz. The same chart gives the
// same file.
func Package(ctx context.Context, o PackageOptions) (PackageResult, error) {
	c, err := load(ctx, o.Chart)
	if err != nil {
		return PackageResult{}, err
	}
	data, err := archive(c)
	if err != nil {
		return PackageResult{}, err
	}
	r := PackageResult{
		Name: c.Name(), Version: c.Metadata.Version,
		Path:   filepath.Join(o.Output, c.Name()+"-"+c.Metadata.Version+".tgz"),
		Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(data)),
	}
	return r, writeFile(r.Path, data)
}
