package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

func contractCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contract <verb>",
		Short: "platform.yaml: what an application needs from the platform",
	}
	cmd.AddCommand(
		contractExplainCommand(a),
		contractInitCommand(a),
		contractSchemaCommand(a),
		contractValidateCommand(a),
	)
	return cmd
}

func contractSchemaCommand(a *app) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of platform.yaml, for editors",
		Example: "  pave contract schema --output platform.schema.json",
		RunE: func(*cobra.Command, []string) error {
			if output == "" {
				_, err := a.stdout.Write(contract.Schema())
				return err
			}
			if err := outfile.Write(output, contract.Schema()); err != nil {
				return fault.Failedf("%w", err)
			}
			return a.emit(schemaFile{Path: output, ID: contract.SchemaURL})
		},
	}
	cmd.Flags().StringVar(&output, "output", "", "file to write (default: stdout)")
	return cmd
}

// schemaFile is the Result of `pave contract schema --output`.
type schemaFile struct {
	Path string `json:"path"`
	ID   string `json:"id"`
}

// Summary names the file.
func (s schemaFile) Summary(w io.Writer) { fmt.Fprintf(w, "schema %s\n", s.Path) }
