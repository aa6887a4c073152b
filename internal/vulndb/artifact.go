package vulndb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// The artefact that trivy-db is published as: one layer, a gzipped tar of the
// database's two files.
const (
	layerType  types.MediaType = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
	configType types.MediaType = "application/vnd.aquasec.trivy.config.v1+json"
	titleKey                   = "org.opencontainers.image.title"
	title                      = "db.tar.gz"
)

// Pushed says where Push put a database.
type Pushed struct {
	Ref  string `json:"ref"` // registry/repository@sha256:…
	Name string `json:"name"`
}

// Summary writes a line for a person.
func (p Pushed) Summary(w io.Writer) { fmt.Fprintf(w, "%s is at %s\n", p.Name, p.Ref) }

// Push publishes the database in dir as ref, e.g. as a private mirror.
func Push(ctx context.Context, client *registry.Client, dir, ref string) (Pushed, error) {
	to, err := registry.ParseReference(ref)
	if err != nil {
		return Pushed{}, err
	}
	d, err := Check(dir, 100*365*24*time.Hour, time.Now())
	if err != nil {
		return Pushed{}, err
	}
	content, err := archive(d.Dir)
	if err != nil {
		return Pushed{}, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), configType)
	img, err = mutate.Append(img, mutate.Addendum{
		Layer:       static.NewLayer(content, layerType),
		Annotations: map[string]string{titleKey: title},
	})
	if err != nil {
		return Pushed{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return Pushed{}, err
	}
	if err := remote.Write(to, img, client.Remote(ctx)...); err != nil {
		return Pushed{}, registry.Explain("push vulnerability database to "+ref, to.Context().Registry, err)
	}
	return Pushed{Ref: to.Context().Digest(digest.String()).String(), Name: d.Name}, nil
}

func archive(dir string) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, file := range []string{boltFile, metadataFile} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		if err := w.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(b)), Format: tar.FormatUSTAR}); err != nil {
			return nil, err
		}
		if _, err := w.Write(b); err != nil {
			return nil, err
		}
	}
	err := errors.Join(w.Close(), zip.Close())
	return out.Bytes(), err
}

// Pull downloads the first of refs that answers with a usable database into
// the folder output, in one step: the folder is complete or was not touched.
// It gives the reference by digest.
func Pull(ctx context.Context, client *registry.Client, refs []string, output string, maxAge time.Duration) (Database, string, error) {
	return first(ctx, refs, func(from name.Reference, what string) (Database, string, error) {
		return pull(ctx, client, from, what, output, maxAge)
	})
}

// first tries refs in order until one works or the input is at fault.
func first(ctx context.Context, refs []string, try func(from name.Reference, what string) (Database, string, error)) (Database, string, error) {
	var errs []error
	for _, ref := range refs {
		from, err := registry.ParseReference(ref)
		if err != nil {
			return Database{}, "", err
		}
		d, pinned, err := try(from, "vulnerability database "+ref)
		if err == nil || ctx.Err() != nil {
			return d, pinned, err
		}
		errs = append(errs, err)
	}
	return Database{}, "", fault.Failedf("no vulnerability database could be fetched; mirror trivy-db into your registry and give --database-repository, or give a folder with --database\n%w",
		errors.Join(errs...))
}

func pull(ctx context.Context, client *registry.Client, from name.Reference, what, output string, maxAge time.Duration) (Database, string, error) {
	img, err := remote.Image(from, client.Remote(ctx)...)
	if err != nil {
		return Database{}, "", registry.Explain(what, from.Context().Registry, err)
	}
	digest, err := img.Digest()
	if err != nil {
		return Database{}, "", registry.Explain(what, from.Context().Registry, err)
	}
	layer, err := databaseLayer(img)
	if err != nil {
		return Database{}, "", fault.Failedf("%s: %w", what, err)
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return Database{}, "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(output), ".fetching-")
	if err != nil {
		return Database{}, "", err
	}
	defer os.RemoveAll(work)
	if err := fetch(ctx, layer, work); err != nil {
		return Database{}, "", registry.Explain(what, from.Context().Registry, err)
	}
	d, err := check(work, what, maxAge, time.Now())
	if bad, ok := errors.AsType[*fault.Error](err); ok {
		return Database{}, "", fault.Failedf("%w", bad.Err).Fix("update the mirror") // not this caller's input
	}
	if err != nil {
		return Database{}, "", err
	}
	d.Dir = output
	return d, from.Context().Digest(digest.String()).String(), replace(work, output)
}

func databaseLayer(img v1.Image) (v1.Layer, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	if len(layers) != 1 {
		return nil, fmt.Errorf("not a vulnerability database: %d layers instead of one", len(layers))
	}
	switch got, err := layers[0].MediaType(); {
	case err != nil:
		return nil, err
	case got != layerType:
		return nil, fmt.Errorf("not a vulnerability database: its layer is %s", got)
	}
	return layers[0], nil
}

// fetch unpacks the layer into dir and checks its digest on the way.
func fetch(ctx context.Context, layer v1.Layer, dir string) error {
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	if err := unpack(content, dir); err != nil {
		return err
	}
	// The digest is compared at the end of the stream, behind the tar's end.
	if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	return ctx.Err()
}

// maxUnpacked bounds what a foreign archive may write; trivy-db is about 1 GB.
const maxUnpacked = 8 << 30

func unpack(content io.Reader, dir string) error {
	zip, err := gzip.NewReader(content)
	if err != nil {
		return err
	}
	defer zip.Close()
	r := tar.NewReader(zip)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		file := filepath.Base(h.Name)
		if h.Typeflag != tar.TypeReg || (file != boltFile && file != metadataFile) {
			continue
		}
		if h.Size > maxUnpacked {
			return fmt.Errorf("%s is larger than %d bytes", file, int64(maxUnpacked))
		}
		if err := save(filepath.Join(dir, file), r); err != nil {
			return err
		}
	}
}

func save(path string, r io.Reader) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, r)
	return err
}

// replace puts the folder work at output. Where there is an output folder
// already, its database files are replaced one by one, and others are kept.
func replace(work, output string) error {
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	if err := os.Rename(work, output); err == nil {
		return nil
	}
	for _, file := range []string{boltFile, metadataFile} {
		if err := os.Rename(filepath.Join(work, file), filepath.Join(output, file)); err != nil {
			return err
		}
	}
	return nil
}
