package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
	"github.com/pave-platform/pave/internal/registry"
)

// ExportOptions say what goes into which folder.
type ExportOptions struct {
	Ref      string // registry/project/app:tag or @sha256:…
	Output   string // folder to write; an earlier export there is replaced
	Registry registry.Options
}

// Exported is an OCI layout in a folder.
type Exported struct {
	Path      string     `json:"path"`
	Digest    string     `json:"digest"`    // of the image
	Manifests []Manifest `json:"manifests"` // the image first, then what refers to it
}

// Manifest is one manifest that the layout's index.json lists.
type Manifest struct {
	Digest       string `json:"digest"`
	MediaType    string `json:"mediaType"`
	ArtifactType string `json:"artifactType,omitempty"`
	Subject      string `json:"subject,omitempty"` // digest of what it refers to
	Name         string `json:"name,omitempty"`    // org.opencontainers.image.ref.name
}

// Summary writes e for a person.
func (e Exported) Summary(w io.Writer) {
	fmt.Fprintf(w, "layout  %s\n", e.Path)
	for _, m := range e.Manifests {
		what := m.ArtifactType
		if m.Subject == "" {
			what = "image"
		} else if m.Name != "" {
			what = m.Name
		}
		fmt.Fprintf(w, "        %s  %s\n", m.Digest, what)
	}
}

// Export copies an image and everything that refers to it (signatures,
// attestations, what refers to those) from a registry into a folder, an OCI
// image layout whose index.json lists each of them, so that other tools can
// check the image without the registry. The folder appears whole or not at all.
func Export(ctx context.Context, o ExportOptions) (Exported, error) {
	ref, err := registry.ParseReference(o.Ref)
	if err != nil {
		return Exported{}, err
	}
	if err := replaceable(o.Output); err != nil {
		return Exported{}, err
	}
	client, err := registry.New(o.Registry)
	if err != nil {
		return Exported{}, err
	}
	defer client.Close()
	dir, err := workspace(o.Output)
	if err != nil {
		return Exported{}, err
	}
	defer os.RemoveAll(dir)
	fresh := filepath.Join(dir, "layout")
	result, err := exportTo(ctx, fresh, ref, client)
	if err != nil {
		return Exported{}, err
	}
	if err := replaceFolder(o.Output, fresh, filepath.Join(dir, "earlier")); err != nil {
		return Exported{}, err
	}
	result.Path = o.Output
	return result, nil
}

// exportTo fills a new folder and reads it back.
func exportTo(ctx context.Context, folder string, ref name.Reference, client *registry.Client) (Exported, error) {
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return Exported{}, err
	}
	c := newCollector(ref.Context(), path, client.Remote(ctx))
	image, err := c.image(ref)
	if err != nil {
		return Exported{}, registry.Explain("export "+ref.String(), ref.Context().Registry, err)
	}
	archive, err := ociarchive.Open(ctx, folder)
	if err != nil {
		return Exported{}, err
	}
	return Exported{Digest: image.String(), Manifests: c.listed}, archive.Close()
}

// replaceable refuses to replace a folder that is not an earlier export.
func replaceable(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fault.Inputf("output folder: %w", err)
	case len(entries) == 0, exists(filepath.Join(folder, "oci-layout")):
		return nil
	}
	return fault.Inputf("output folder %s holds something else than an earlier export", folder).Fix("give an empty folder, or one that does not exist")
}

// replaceFolder moves fresh to where folder is; aside takes the earlier one
// until that has succeeded.
func replaceFolder(folder, fresh, aside string) error {
	err := os.Rename(folder, aside)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	had := err == nil
	if err := os.Rename(fresh, folder); err != nil {
		if had {
			err = errors.Join(err, os.Rename(aside, folder))
		}
		return err
	}
	return nil
}
