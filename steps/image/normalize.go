package image

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
)

// NormalizeOptions say which image becomes reproducible.
type NormalizeOptions struct {
	Tarball string // OCI layout, as BuildKit or Dagger writes it
	Output  string // tarball to write; may be Tarball
	Labels  Labels // added to the image's own
	Log     *slog.Logger
}

// Normalize rewrites an image so that the time of its build no longer shows:
// every time in layers, history and config becomes the epoch, media types
// become OCI's, layers are compressed again at one level. Names, modes, owners,
// extended attributes, links, whiteouts and the order of entries stay. What
// BuildKit attests beside the image is left out.
func Normalize(ctx context.Context, o NormalizeOptions) (Result, error) {
	labels, err := o.Labels.all()
	if err != nil {
		return Result{}, err
	}
	archive, err := ociarchive.Open(ctx, o.Tarball)
	if err != nil {
		return Result{}, err
	}
	defer archive.Close()
	dir, err := workspace(o.Output)
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	images, err := archive.Images()
	if err != nil {
		return Result{}, err
	}
	n := normalizer{dir: dir, labels: labels, log: logger(o.Log)}
	for i, img := range images {
		if images[i], err = n.image(ctx, img); err != nil {
			return Result{}, err
		}
	}
	if err := writeAll(o.Output, images); err != nil {
		return Result{}, err
	}
	return describeFile(ctx, o.Output)
}

// writeAll writes one image as it is, several as an index by platform.
func writeAll(path string, images []v1.Image) error {
	if len(images) == 1 {
		return ociarchive.Write(path, images[0])
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, img := range images {
		config, err := img.ConfigFile()
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: config.Platform()}})
	}
	return ociarchive.WriteIndex(path, index)
}

type normalizer struct {
	dir    string
	labels map[string]string
	log    *slog.Logger
}

// parallel bounds the layers under way: each takes a processor to compress.
const parallel = 4

func (n normalizer) image(ctx context.Context, img v1.Image) (v1.Image, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, l := range layers {
		group.Go(func() (err error) {
			layers[i], err = n.layer(ctx, l)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	config, err := n.config(img)
	if err != nil {
		return nil, err
	}
	return withLayers(config, n.labels, layers)
}

// config is img's without times and names of the building machine.
func (n normalizer) config(img v1.Image) (*v1.ConfigFile, error) {
	c, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	c = c.DeepCopy()
	c.Created, c.Container, c.DockerVersion, c.Config.Hostname = v1.Time{Time: epoch}, "", "", ""
	for i := range c.History {
		c.History[i].Created = v1.Time{Time: epoch}
	}
	if len(n.labels) > 0 && c.Config.Labels == nil {
		c.Config.Labels = map[string]string{}
	}
	maps.Copy(c.Config.Labels, n.labels)
	return c, nil
}

// withLayers makes an OCI image of config and layers. The history is config's
// own: it also tells of steps that left no layer.
func withLayers(config *v1.ConfigFile, labels map[string]string, layers []v1.Layer) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(img, layers...)
	if err != nil {
		return nil, err
	}
	bare, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config.RootFS = bare.RootFS
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return nil, err
	}
	return annotated(img, labels), nil
}

func (n normalizer) layer(ctx context.Context, l v1.Layer) (v1.Layer, error) {
	digest, err := l.Digest()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	content, err := l.Uncompressed()
	if err != nil {
		return nil, fault.Inputf("layer %s: %w", digest, err).Fix("build the image again")
	}
	defer content.Close()
	made, err := newLayer(n.dir, func(to *tar.Writer) error { return withoutTimes(ctx, to, tar.NewReader(content)) })
	if err != nil {
		if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fault.Inputf("layer %s is not a whole tar file: %w", digest, err).Fix("build the image again")
		}
		return nil, err
	}
	if took := time.Since(start); took > 2*time.Second {
		n.log.Info("normalized a layer", "layer", digest, "took", took.Round(time.Millisecond*100))
	}
	return made, nil
}

// withoutTimes copies entries, each at the epoch.
func withoutTimes(ctx context.Context, to *tar.Writer, from *tar.Reader) error {
	for {
		header, err := from.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		clearTimes(header)
		if err := to.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
	}
}

func clearTimes(h *tar.Header) {
	h.ModTime, h.AccessTime, h.ChangeTime = epoch, time.Time{}, time.Time{}
	// The writer chooses the smallest format that holds the entry; what format
	// the building tool happened to choose does not matter.
	h.Format = tar.FormatUnknown
	for key := range h.PAXRecords {
		if key == "mtime" || key == "atime" || key == "ctime" || strings.HasPrefix(key, "GNU.sparse.") {
			delete(h.PAXRecords, key)
		}
	}
	if h.Typeflag == tar.TypeGNUSparse { // the reader has filled the holes
		h.Typeflag = tar.TypeReg
	}
}
