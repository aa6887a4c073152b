package image

import (
	"context"
	"fmt"
	"io"

	"github.com/pave-platform/pave/internal/ociarchive"
)

// Inspection is a Result with the layers, and without the file's name.
type Inspection struct {
	Digest   string            `json:"digest"`
	Platform string            `json:"platform"`
	Bytes    int64             `json:"bytes"`
	Labels   map[string]string `json:"labels"`
	Layers   []Layer           `json:"layers"`
}

// Layer is one layer of an image.
type Layer struct {
	Digest    string `json:"digest"`
	MediaType string `json:"mediaType"`
	Bytes     int64  `json:"bytes"` // compressed
}

// Summary writes i for a person.
func (i Inspection) Summary(w io.Writer) {
	fmt.Fprintf(w, "digest    %s\nplatform  %s\nsize      %s\n", i.Digest, i.Platform, megabytes(i.Bytes))
	for _, l := range i.Layers {
		fmt.Fprintf(w, "layer     %s  %s\n", l.Digest, megabytes(l.Bytes))
	}
}

// Inspect reads and verifies the OCI layout at path: a tar file or a folder.
func Inspect(ctx context.Context, path string) (Inspection, error) {
	a, err := ociarchive.Open(ctx, path)
	if err != nil {
		return Inspection{}, err
	}
	defer a.Close()
	r, err := describe(path, a)
	if err != nil {
		return Inspection{}, err
	}
	i := Inspection{Digest: r.Digest, Platform: r.Platform, Bytes: r.Bytes, Labels: r.Labels}
	images, err := a.Images()
	if err != nil {
		return Inspection{}, err
	}
	for _, img := range images {
		m, err := img.Manifest()
		if err != nil {
			return Inspection{}, err
		}
		for _, l := range m.Layers {
			i.Layers = append(i.Layers, Layer{l.Digest.String(), string(l.MediaType), l.Size})
		}
	}
	return i, nil
}
