// Package image builds, publishes and carries container images.
//
// It promises that the same source gives the same digest: no time, no host, no
// path of the building machine gets into an image. Between the steps an image
// is an OCI layout in one tar file; at a registry it is a reference by digest.
package image

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
)

// Result describes an image in a tarball.
type Result struct {
	Tarball  string            `json:"tarball"`
	Digest   string            `json:"digest"`   // sha256:…
	Platform string            `json:"platform"` // linux/amd64; several are separated by commas; empty if the image does not say
	Bytes    int64             `json:"bytes"`    // what a pull transfers
	Labels   map[string]string `json:"labels"`
}

// Summary writes r for a person.
func (r Result) Summary(w io.Writer) {
	fmt.Fprintf(w, "image     %s\ndigest    %s\nplatform  %s\nsize      %s\n", r.Tarball, r.Digest, r.Platform, megabytes(r.Bytes))
	for _, k := range slices.Sorted(maps.Keys(r.Labels)) {
		fmt.Fprintf(w, "label     %s=%s\n", k, r.Labels[k])
	}
}

// describe reads what a Result says from an open archive.
func describe(path string, a *ociarchive.Archive) (Result, error) {
	r := Result{Tarball: path, Digest: a.Digest().String(), Labels: map[string]string{}}
	images, err := a.Images()
	if err != nil {
		return r, err
	}
	var platforms []string
	for _, img := range images {
		config, err := img.ConfigFile()
		if err != nil {
			return r, err
		}
		if p := config.Platform(); p != nil {
			platforms = append(platforms, p.String())
		}
		maps.Copy(r.Labels, config.Config.Labels)
		size, err := transferSize(img)
		if err != nil {
			return r, err
		}
		r.Bytes += size
	}
	r.Platform = strings.Join(platforms, ",")
	return r, nil
}

// describeFile is describe for a file that was just written; reading it back
// also proves that it is whole.
func describeFile(ctx context.Context, path string) (Result, error) {
	a, err := ociarchive.Open(ctx, path)
	if err != nil {
		return Result{}, err
	}
	defer a.Close()
	return describe(path, a)
}

// transferSize adds up the manifest, the config and the compressed layers.
func transferSize(img v1.Image) (int64, error) {
	size, err := img.Size()
	if err != nil {
		return 0, err
	}
	m, err := img.Manifest()
	if err != nil {
		return 0, err
	}
	size += m.Config.Size
	for _, l := range m.Layers {
		size += l.Size
	}
	return size, nil
}

// workspace makes a temporary folder beside the output, because a step's
// container has no other place that is sure to be there.
func workspace(output string) (dir string, err error) {
	parent := filepath.Dir(output)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fault.Inputf("output folder: %w", err)
	}
	return os.MkdirTemp(parent, ".pave-*")
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// logger gives log, or one that says nothing.
func logger(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
