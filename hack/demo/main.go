// Command demo shows the platform at work, on this machine alone: each step with
// the command that it runs and the command to look at what came of it.
//
//	go run ./hack/demo cluster    # deploy, promote, roll back by itself, preview
//
// It needs Linux and root. The servers are real; they run in a network of their
// own and are gone at the end, however it ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/fault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := rootCommand(os.Stdout).ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil:
		return
	case interrupted && errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "demo: interrupted")
	default:
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
	os.Exit(int(fault.KindOf(err)))
}

func rootCommand(out io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use: "demo", Short: "Show the platform at work, on this machine alone",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(clusterCommand(out))
	return root
}

func clusterCommand(out io.Writer) *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Deploy an application, promote it, let a bad version roll back by itself, open and close a preview",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cluster(cmd.Context(), out, keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave everything running at the end, until Ctrl-C")
	return cmd
}
