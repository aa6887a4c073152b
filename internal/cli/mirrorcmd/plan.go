package mirrorcmd

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/mirror"
)

func planCommand(a *cli.App, tools Tools) *cobra.Command {
	var m mirrorFlags
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "plan [--list images.yaml]",
		Short: "Show what is different upstream and at the target from what was approved",
		Long: `Show what is different upstream and at the target from what was approved.

For each tag: whether it is new, moved, changed in the list, gone upstream or left
the list. What needs an approval is scanned, and what is approved now with it, so
that the difference in vulnerabilities shows; --no-scan leaves that out. Both
sides are asked with HEAD, so that no pull is counted at the target. Nothing is
written anywhere.`,
		Example: "  pave mirror plan\n  pave mirror plan --json --no-scan --exit-code",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tools == nil {
				return ErrElsewhere
			}
			o := mirror.PlanOptions{Common: m.options(a, m.scan.Registry)}
			o.Verify = tools.Verify
			var err error
			if o.Scan, err = m.scanner(tools); err != nil {
				return err
			}
			r, err := mirror.Plan(cmd.Context(), o)
			if err := a.EmitEven(r, err == nil || len(r.Items) > 0, err); err != nil {
				return err
			}
			if exitCode {
				return unapproved(r)
			}
			return nil
		},
	}
	m.add(cmd.Flags())
	m.addScan(cmd.Flags())
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit 3 if something needs an approval")
	return cmd
}

// maxNamed keeps an error readable.
const maxNamed = 10

// unapproved is a gate error that names what needs an approval, or nil.
func unapproved(r mirror.PlanResult) error {
	var refs []string
	for _, i := range r.Items {
		if i.NeedsApproval() {
			refs = append(refs, i.Ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	n, more := len(refs), ""
	if n > maxNamed {
		refs, more = refs[:maxNamed], " …"
	}
	return fault.Gatef("%d of %d need an approval: %s%s", n, len(r.Items), strings.Join(refs, ", "), more).Fix("approve them: pave mirror approve")
}

func statusCommand(a *cli.App) *cobra.Command {
	var m mirrorFlags
	var h harborFlags
	var o mirror.StatusOptions
	cmd := &cobra.Command{
		Use:   "status [--list images.yaml]",
		Short: "Show what the target has of what was approved",
		Long: `Show what the target has of what was approved.

One HEAD request for each tag; the sources are not asked. With --inventory it also
writes what the target has, blob by blob, for pave mirror export --have on the
other side of an air gap; that reads manifests.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Common = m.options(a, m.scan.Registry)
			o.Harbor = h.get(m.scan.Registry)
			return a.Finish(mirror.Status(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	m.add(f)
	cli.RegistryFlags(f, &m.scan.Registry)
	h.add(f)
	f.StringVar(&o.Inventory, "inventory", "", "file for what the target has")
	return cmd
}
