package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

// Schema prints the JSON Schema of a file of pave's, or writes it.
func Schema(a *App, file, url string, schema func() []byte) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of " + file + ", for editors",
		RunE: func(*cobra.Command, []string) error {
			if output == "" {
				_, err := a.Stdout.Write(schema())
				return err
			}
			if err := outfile.Write(output, schema()); err != nil {
				return fault.Failedf("%w", err)
			}
			return a.Emit(SchemaFile{Path: output, ID: url})
		},
	}
	cmd.Flags().StringVar(&output, "output", "", "file to write (default: stdout)")
	return cmd
}

// SchemaFile is the Result of Schema with --output.
type SchemaFile struct {
	Path string `json:"path"`
	ID   string `json:"id"`
}

// Summary names the file.
func (s SchemaFile) Summary(w io.Writer) { fmt.Fprintf(w, "schema %s\n", s.Path) }
