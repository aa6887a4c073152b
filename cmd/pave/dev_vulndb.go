package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/vulndb"
)

func devVulndbCommand(a *cli.App) *cobra.Command {
	var o vulndb.CreateOptions
	var reg registry.Options
	var updated, push string
	cmd := &cobra.Command{
		Use:   "vulndb --output DIR",
		Short: "Make a small vulnerability database in Trivy's format, from a few public advisories",
		Long: `Make a small vulnerability database in Trivy's format, from a few public
advisories. Its name is in every result that comes from it. It is for demos and
tests: it knows a few dozen vulnerabilities of some hundred thousand.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "output"); err != nil {
				return err
			}
			if updated != "" {
				t, err := time.Parse(time.RFC3339, updated)
				if err != nil {
					return fault.Inputf("--updated-at %q is not a time", updated).Fix("write it as 2026-01-31T12:00:00Z")
				}
				o.UpdatedAt = t
			}
			created, err := vulndb.Create(cmd.Context(), o)
			if err != nil {
				return err
			}
			r := madeDatabase{Created: created}
			if push != "" {
				client, err := registry.New(reg)
				if err != nil {
					return err
				}
				pushed, err := vulndb.Push(cmd.Context(), client, o.Output, push)
				if err != nil {
					return err
				}
				r.Ref = pushed.Ref
			}
			return a.Emit(r)
		},
	}
	cmd.Flags().StringVar(&o.Output, "output", "", "folder for trivy.db and metadata.json, made if missing")
	cmd.Flags().StringVar(&o.From, "from", "", "YAML file with advisories (default: the ones in this binary)")
	cmd.Flags().StringVar(&updated, "updated-at", "", "age to give the database, e.g. 2026-01-31T12:00:00Z (default: now)")
	cmd.Flags().StringVar(&push, "push", "", "publish it as this reference too, as a mirror of the public database would be")
	cli.RegistryFlags(cmd.Flags(), &reg)
	return cmd
}

// madeDatabase is the result of pave dev vulndb.
type madeDatabase struct {
	vulndb.Created
	Ref string `json:"ref,omitempty"`
}

// Summary implements result.
func (m madeDatabase) Summary(w io.Writer) {
	m.Created.Summary(w)
	if m.Ref != "" {
		fmt.Fprintln(w, m.Ref)
	}
}
