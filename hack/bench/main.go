// Command bench measures what this repository promises about speed, side by
// side with what one would use instead, and prints one table:
//
//	eval "$(go run ./hack/engine env)"
//	go run ./hack/bench                  # everything; --list says what that is
//	go run ./hack/bench gates-memory     # one row
//
// It judges nothing: a row says what was measured, by which commands, and what
// the goal is. It works in a temporary folder and leaves nothing behind but the
// engine's cache.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/fault"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := rootCommand().ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "bench: interrupted:", context.Cause(ctx))
		return int(fault.Failed)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	return int(fault.KindOf(err))
}

func rootCommand() *cobra.Command {
	var o options
	var list, asJSON bool
	cmd := &cobra.Command{
		Use:           "bench [row...]",
		Short:         "Measure pave, side by side with what one would use instead",
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, names []string) error {
			if list {
				return printList(cmd.OutOrStdout(), measures)
			}
			chosen, err := choose(measures, names)
			if err != nil {
				return err
			}
			if o.runs < 1 {
				return fault.Inputf("--runs %d: nothing would be measured", o.runs).Fix("give 1 or more")
			}
			report, err := measureAll(cmd.Context(), o, chosen)
			if report == nil || len(report.Rows) == 0 {
				return err
			}
			write := report.writeTable
			if asJSON {
				write = report.writeJSON
			}
			return errors.Join(err, write(cmd.OutOrStdout()), report.failure())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&list, "list", false, "list the rows and measure nothing")
	f.BoolVar(&asJSON, "json", false, "print one JSON document in place of the table")
	f.IntVar(&o.runs, "runs", 3, "how often each row is measured; the median counts")
	f.StringVar(&o.pave, "pave", "", "static pave binary that is already built, for the modules too (default: built from source)")
	f.StringVar(&o.database, "database", "", "Trivy's vulnerability database, a folder with trivy.db and metadata.json (default: a small one)")
	f.IntVar(&o.mirrorMB, "mirror-mb", 1900, "megabytes of the images that are mirrored, in all")
	return cmd
}
