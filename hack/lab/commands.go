package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/fault"
)

// app is what the commands share.
type app struct {
	stdout, stderr io.Writer
	name           string
}

const defaultName = "default"

func rootCommand(stdout, stderr io.Writer) *cobra.Command {
	a := &app{stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:           "lab",
		Short:         "A real Kubernetes with Argo CD on this machine, that leaves nothing behind",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return fault.Inputf("unknown command %q", args[0]).Fix("see --help")
		},
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fault.Inputf("%w", err).Fix("see --help") })
	root.PersistentFlags().StringVar(&a.name, "name", defaultName, "which lab: as many as there is memory for run side by side")
	root.AddCommand(a.up(), a.down(), a.status(), a.env(), a.logs())
	return root
}

func (a *app) down() *cobra.Command {
	return &cobra.Command{
		Use: "down", Args: cobra.NoArgs, Short: "End the lab and leave nothing of it",
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.find()
			if err != nil {
				return err
			}
			if r == nil {
				_, err = io.WriteString(a.stdout, "lab "+a.name+" does not run\n")
				return err
			}
			return r.end(cmd.Context())
		},
	}
}

func (a *app) status() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Args: cobra.NoArgs, Short: "Tell where everything is; exit 1 when the lab does not run",
		RunE: func(*cobra.Command, []string) error {
			r, err := a.find()
			if err != nil {
				return err
			}
			if r == nil {
				if _, err := io.WriteString(a.stdout, "lab "+a.name+" does not run\n"); err != nil {
					return err
				}
				return errDown
			}
			return r.print(a.stdout, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON document")
	return cmd
}

func (a *app) env() *cobra.Command {
	return &cobra.Command{
		Use: "env", Args: cobra.NoArgs, Short: "Print the export lines with which a shell uses the lab",
		RunE: func(*cobra.Command, []string) error {
			r, err := a.running()
			if err != nil {
				return err
			}
			return r.export(a.stdout)
		},
	}
}

func (a *app) logs() *cobra.Command {
	return &cobra.Command{
		Use: "logs NAME", Args: cobra.MaximumNArgs(1), Short: "Print what one of the lab's servers has said; without a name, their names",
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := a.running()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return r.names(a.stdout)
			}
			file, ok := r.Logs[args[0]]
			if !ok {
				return fault.Inputf("the lab has no server %q", args[0]).Fix("see `logs` without a name")
			}
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(a.stdout, f)
			return err
		},
	}
}
