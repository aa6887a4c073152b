package main

import (
	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

func mirrorSchemaCommand(a *app) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of images.yaml, for editors",
		Example: "  pave mirror schema --output images.schema.json",
		RunE: func(*cobra.Command, []string) error {
			if output == "" {
				_, err := a.stdout.Write(imagelist.Schema())
				return err
			}
			if err := outfile.Write(output, imagelist.Schema()); err != nil {
				return fault.Failedf("%w", err)
			}
			return a.emit(schemaFile{Path: output, ID: imagelist.SchemaURL})
		},
	}
	cmd.Flags().StringVar(&output, "output", "", "file to write (default: stdout)")
	return cmd
}
