package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/cli"
)

func contractExplainCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [field]",
		Short: "Explain a field of platform.yaml: type, default, what is allowed, an example",
		Example: `  pave contract explain
  pave contract explain spec.database.instances`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := ""
			if len(args) > 0 {
				path = args[0]
			}
			f, err := contract.Explain(path)
			if err != nil {
				return err
			}
			return a.Emit(explanation{f})
		},
	}
}

// explanation is the Result of `pave contract explain`.
type explanation struct{ contract.Field }

// Summary is laid out as kubectl explain's.
func (e explanation) Summary(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	if e.Path != "" {
		row("FIELD", e.Path)
	}
	row("TYPE", e.Type+mustHave[e.Required])
	if e.Default != nil {
		row("DEFAULT", written(e.Default))
	}
	if e.Allowed != "" {
		row("ALLOWED", e.Allowed)
	}
	for _, example := range e.Examples {
		row("EXAMPLE", written(example))
	}
	t.Flush()
	fmt.Fprintf(w, "\n%s\n", e.Description)
	if len(e.Fields) == 0 {
		return
	}
	fmt.Fprintln(w, "\nFIELDS")
	for _, f := range e.Fields {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", f.Path, f.Type+mustHave[f.Required], f.Description)
	}
	t.Flush()
}

var mustHave = map[bool]string{true: ", required"}

// written gives a value as a file has it.
func written(v any) string {
	if s, isText := v.(string); isText {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
