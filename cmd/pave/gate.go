package main

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/layercache"
	"github.com/pave-platform/pave/internal/outfile"
	"github.com/pave-platform/pave/steps/sbom"
	"github.com/pave-platform/pave/steps/scan"
)

func gateCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Everything an image must pass before it is published",
	}
	cmd.AddCommand(gateImageCommand(a), gateCheckCommand(a))
	return cmd
}

func gateImageCommand(a *cli.App) *cobra.Command {
	var flags cli.Scan
	var archive, name, output string
	cmd := &cobra.Command{
		Use:   "image --tarball FILE --output DIR (--database DIR | --database-repository REF)",
		Short: "SBOM and scan on one read of the image; exit 3 if it may not be published",
		Long: `SBOM and scan on one read of the image; exit 3 if it may not be published.

Writes what pave sbom create and pave scan image write, and gate.json, also for
an image that does not pass.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "tarball", "output"); err != nil {
				return err
			}
			options, err := scanOptions(flags)
			if err != nil {
				return err
			}
			return withImage(cmd.Context(), archive, func(img v1.Image) error {
				prepareScanners(a)
				options.Name, options.Output = name, output
				a.Log.Info("cataloguing and scanning the image")
				r, err := gate(cmd.Context(), img, options)
				if err != nil {
					return err
				}
				if err := a.Emit(r); err != nil {
					return err
				}
				return r.Scan.Verdict()
			})
		},
	}
	cmd.Flags().StringVar(&archive, "tarball", "", "image as an OCI layout: a tar file or a folder")
	cmd.Flags().StringVar(&name, "name", "", "what the documents call the image, e.g. registry/project/app (default: its digest)")
	cmd.Flags().StringVar(&output, "output", "", "folder for the documents, made if missing")
	flags.Add(cmd.Flags())
	return cmd
}

// gateResult is the result of all gates.
type gateResult struct {
	Digest string      `json:"digest"`
	SBOM   sbom.Result `json:"sbom"`
	Scan   scan.Result `json:"scan"`
	Passed bool        `json:"passed"`
}

// Summary implements result.
func (g gateResult) Summary(w io.Writer) {
	g.SBOM.Summary(w)
	g.Scan.Summary(w)
}

// gate lets Syft and Trivy work on the same image at the same time. Each layer
// is inflated once for both.
func gate(ctx context.Context, img v1.Image, o scan.Options) (r gateResult, err error) {
	group, ctx := errgroup.WithContext(ctx)
	shared, err := layercache.New(ctx, img)
	if err != nil {
		return gateResult{}, err
	}
	defer shared.Close()
	o.Image = shared
	group.Go(func() (err error) {
		r.SBOM, err = sbom.Run(ctx, sbom.Options{Image: shared, Name: o.Name, Output: o.Output})
		return err
	})
	group.Go(func() (err error) {
		r.Scan, err = scan.Run(ctx, o)
		return err
	})
	if err := group.Wait(); err != nil {
		return gateResult{}, err
	}
	r.Digest, r.Passed = r.Scan.Digest, r.Scan.Passed
	return r, r.write(o.Output)
}

func (g gateResult) write(dir string) error {
	content, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return err
	}
	return outfile.Write(filepath.Join(dir, "gate.json"), append(content, '\n'))
}
