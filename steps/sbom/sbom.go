// Package sbom writes the software bill of materials of an image, as SPDX 2.3
// and as CycloneDX JSON, with Syft in process. It promises the same bytes for
// the same image: nothing in a document depends on when or where it was made.
package sbom

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/anchore/stereoscope/pkg/file"
	"github.com/anchore/stereoscope/pkg/image"
	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/sbom"
	"github.com/anchore/syft/syft/source"
	"github.com/anchore/syft/syft/source/stereoscopesource"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	_ "modernc.org/sqlite" // Syft reads RPM databases through database/sql

	"github.com/pave-platform/pave/internal/fault"
)

// Options say what to describe and where to write it.
type Options struct {
	Image  v1.Image // read once, layer by layer, through a folder that is removed
	Name   string   // what the documents call the image, e.g. registry/project/app; empty for its digest
	Output string   // folder for the documents; made if missing
}

// Result says what was found and written.
type Result struct {
	Digest   string   `json:"digest"`
	Packages int      `json:"packages"`
	Distro   string   `json:"distro,omitempty"` // e.g. debian 12; empty for an image without one
	Files    []File   `json:"files"`
	Warnings []string `json:"warnings,omitempty"`
}

// File is one document.
type File struct {
	Format string `json:"format"` // spdx-2.3 or cyclonedx-1.7
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Summary writes a few lines for a person.
func (r Result) Summary(w io.Writer) {
	distro := r.Distro
	if distro == "" {
		distro = "no distribution"
	}
	fmt.Fprintf(w, "%s: %d packages, %s\n", r.Digest, r.Packages, distro)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Files {
		fmt.Fprintf(t, "  %s\t%s\t%d bytes\n", f.Format, f.Path, f.Bytes)
	}
	t.Flush()
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
}

// Run catalogues the image and writes sbom.spdx.json and sbom.cdx.json. The
// files appear only when both documents are complete.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Image == nil || o.Output == "" {
		return Result{}, fault.Inputf("an SBOM needs an image and an output folder")
	}
	id, err := identify(o.Image, o.Name)
	if err != nil {
		return Result{}, err
	}
	found, err := catalogue(ctx, o.Image, id)
	if err != nil {
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		return Result{}, fault.Failedf("catalogue image %s: %w", id.digest, err)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err // Syft may have given up in part
	}
	files, err := write(o.Output, found, id)
	if err != nil {
		return Result{}, err
	}
	r := Result{Digest: id.digest, Packages: found.Artifacts.Packages.PackageCount(), Distro: distro(found), Files: files}
	if r.Packages == 0 {
		r.Warnings = append(r.Warnings, "no package was found in the image: the documents describe nothing but the image itself")
	}
	return r, nil
}

func catalogue(ctx context.Context, img v1.Image, id identity) (*sbom.SBOM, error) {
	dir, err := os.MkdirTemp("", "pave-sbom-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	go licenseScanner() //nolint:errcheck // the error comes back below
	read := image.New(img, file.NewTempDirGenerator(filepath.Base(dir)), dir, image.WithManifest(id.manifest))
	if err := read.Read(ctx); err != nil {
		return nil, err
	}
	src := stereoscopesource.New(read, stereoscopesource.ImageConfig{
		Alias: source.Alias{Name: id.name, Version: id.digest},
	})
	defer src.Close()
	ctx, err = withLicenseScanner(ctx)
	if err != nil {
		return nil, err
	}
	return syft.CreateSBOM(ctx, src, nil)
}

func distro(s *sbom.SBOM) string {
	d := s.Artifacts.LinuxDistribution
	if d == nil {
		return ""
	}
	if d.VersionID == "" {
		return d.ID
	}
	return d.ID + " " + d.VersionID
}
