package main

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/ociarchive"
	"github.com/pave-platform/pave/steps/sbom"
)

func sbomCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sbom",
		Short: "The software bill of materials of an image",
	}
	cmd.AddCommand(sbomCreateCommand(a))
	return cmd
}

func sbomCreateCommand(a *cli.App) *cobra.Command {
	var o sbom.Options
	var archive string
	cmd := &cobra.Command{
		Use:   "create --tarball FILE --output DIR",
		Short: "Write sbom.spdx.json (SPDX 2.3) and sbom.cdx.json (CycloneDX)",
		Long: `Write sbom.spdx.json (SPDX 2.3) and sbom.cdx.json (CycloneDX).

The same image gives the same bytes.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "tarball", "output"); err != nil {
				return err
			}
			return withImage(cmd.Context(), archive, func(img v1.Image) error {
				prepareScanners(a)
				o.Image = img
				return a.Finish(sbom.Run(cmd.Context(), o))
			})
		},
	}
	cmd.Flags().StringVar(&archive, "tarball", "", "image as an OCI layout: a tar file or a folder")
	cmd.Flags().StringVar(&o.Name, "name", "", "what the documents call the image, e.g. registry/project/app (default: its digest)")
	cmd.Flags().StringVar(&o.Output, "output", "", "folder for the documents, made if missing")
	return cmd
}

// withImage opens an archive, which verifies every blob, for the time of use.
func withImage(ctx context.Context, path string, use func(v1.Image) error) (err error) {
	archive, err := ociarchive.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	img, err := archive.Image()
	if err != nil {
		return err
	}
	return use(img)
}
