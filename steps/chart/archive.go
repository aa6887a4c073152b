package chart

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"path"
	"slices"
	"strings"
	"time"

	helm "helm.sh/helm/v3/pkg/chart"
)

// archive gives the chart as a Helm package, the same bytes for the same files:
// sorted, with one modification time and mode, and stored rather than deflated,
// because the bytes of a deflated stream depend on the compressor's version. A
// chart is small.
func archive(c *helm.Chart) ([]byte, error) {
	files := slices.Clone(c.Raw)
	slices.SortFunc(files, func(a, b *helm.File) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Name, b.Name))
	})
	var out bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(compressed)
	for _, f := range files {
		header := &tar.Header{
			Name: path.Join(c.Name(), f.Name), Size: int64(len(f.Data)),
			Typeflag: tar.TypeReg, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.Data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// rank puts Chart.yaml first, so that a reader of the stream knows at once what
// it reads.
func rank(f *helm.File) int {
	if f.Name == "Chart.yaml" {
		return 0
	}
	return 1
}
