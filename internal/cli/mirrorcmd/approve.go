package mirrorcmd

import (
	"os/user"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/mirror"
)

func approveCommand(a *cli.App, tools Tools) *cobra.Command {
	var m mirrorFlags
	var o mirror.ApproveOptions
	cmd := &cobra.Command{
		Use:   "approve [NAME | NAME:TAG | NAME:TAG@DIGEST]… | --all",
		Short: "Write what upstream has now into the lock; copies nothing",
		Long: `Write what upstream has now into the lock; copies nothing.

What has more vulnerabilities than the limits allow, or whose publisher's signature
does not hold, is refused with exit code 3 unless there is a --reason, which the
lock keeps; the rest is approved. With a digest an approval holds for what was
looked at only: if the tag has moved since, nothing is written. What left the list
and is not at the target any more is dropped from the lock.`,
		Example: "  pave mirror approve alpine:3.22 postgresql\n  pave mirror approve --all --by jane",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if tools == nil {
				return ErrElsewhere
			}
			o.Common, o.Refs = m.options(a, m.scan.Registry), args
			o.Verify = tools.Verify
			if o.By == "" {
				if u, err := user.Current(); err == nil {
					o.By = u.Username
				}
			}
			var err error
			if o.Scan, err = m.scanner(tools); err != nil {
				return err
			}
			r, err := mirror.Approve(cmd.Context(), o)
			return a.EmitEven(r, err == nil || r.Lock != "", err)
		},
	}
	f := cmd.Flags()
	m.add(f)
	m.addScan(f)
	f.BoolVar(&o.All, "all", false, "everything that needs an approval")
	f.StringVar(&o.By, "by", "", "who approves, for the lock (default: the user's name)")
	f.StringVar(&o.Reason, "reason", "", "why what exceeds the limits, or has no valid signature, is approved nevertheless")
	f.BoolVar(&o.DryRun, "dry-run", false, "write nothing")
	return cmd
}
