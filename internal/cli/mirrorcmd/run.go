package mirrorcmd

import (
	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/mirror"
)

func runCommand(a *cli.App, tools Tools) *cobra.Command {
	var m mirrorFlags
	var k keyFlags
	var h harborFlags
	var o mirror.RunOptions
	cmd := &cobra.Command{
		Use:   "run [--list images.yaml] --key-file cosign.key",
		Short: "Copy what was approved and is missing at the target, and sign it",
		Long: `Copy what was approved and is missing at the target, and sign it.

For each tag in turn: the gate, the content by digest with its signatures and
attestations, the platform's signature, and the tag last. What exceeds the limits
is not mirrored and listed, exit code 3; the rest is. Run again, it asks the target
once for each tag and the sources not at all.

Tags that left the list are shown, and removed with --prune if they still stand for
what was approved.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Common = m.options(a, m.scan.Registry)
			o.Harbor, o.Progress = h.get(m.scan.Registry), a.TransferProgress()
			if err := tooled(&o, &m, &k, tools); err != nil {
				return err
			}
			r, err := mirror.Run(cmd.Context(), o)
			return a.EmitEven(r, err == nil || r.Target != "", err)
		},
	}
	f := cmd.Flags()
	m.add(f)
	m.addScan(f)
	k.add(f)
	h.add(f)
	f.BoolVar(&o.Prune, "prune", false, "remove tags that left the list")
	f.BoolVar(&o.SignAll, "sign-all", false, "also sign what is there already, as after a change of keys")
	f.BoolVar(&o.DryRun, "dry-run", false, "read, compare and scan, and write nothing")
	return cmd
}

// tooled gives the run what scans and signs. Where that is in another program, the
// run ends before it would need it.
func tooled(o *mirror.RunOptions, m *mirrorFlags, k *keyFlags, tools Tools) (err error) {
	if tools == nil && !o.SignAll {
		if !o.DryRun {
			if err := k.check(); err != nil {
				return err
			}
		}
		if !m.noScan || !k.noSign && !o.DryRun {
			o.Begin = func() error { return ErrElsewhere }
		}
		return nil
	}
	if o.Sign, err = k.signer(tools, m.scan.Registry, o.DryRun); err != nil {
		return err
	}
	o.Scan, err = m.scanner(tools)
	return err
}
