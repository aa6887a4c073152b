package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/fault"
)

// app is what every subcommand shares: where to write and how.
type app struct {
	stdout, stderr io.Writer
	json           bool
	log            *slog.Logger
}

// result is what a step gives back: a JSON document that can also say itself
// in a few lines for a person.
type result interface {
	Summary(w io.Writer)
}

// emit writes r to stdout: one JSON document with --json, else a summary.
func (a *app) emit(r result) error {
	if !a.json {
		r.Summary(a.stdout)
		return nil
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// run is main without the process: it gives the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{stdout: stdout, stderr: stderr, log: slog.New(slog.NewTextHandler(stderr, nil))}
	root := rootCommand(a)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "pave: interrupted")
		return int(fault.Failed)
	}
	fmt.Fprintln(stderr, "pave:", err)
	return int(fault.KindOf(err))
}

func rootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "pave <noun> <verb>",
		Short: "The golden path of an on-premises developer platform, one step per command",
		Long: `The golden path of an on-premises developer platform, one step per command.

Every flag can also be given as an environment variable: --ca-file as
PAVE_CA_FILE. Secrets are read from a file or from a named environment
variable, never from a flag's value.

Exit codes: 0 done, 1 failed, 2 bad input or usage, 3 a gate said no.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fromEnvironment(cmd.Flags())
		},
	}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "write the result as one JSON document")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.Inputf("%s: %w", cmd.CommandPath(), err).Fix("see %s --help", cmd.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		bootstrapCommand(a),
		chartCommand(a),
		contractCommand(a),
		deployCommand(a),
		devCommand(a),
		gateCommand(a),
		gitopsCommand(a),
		imageCommand(a),
		mirrorCommand(a),
		policyCommand(a),
		previewCommand(a),
		promoteCommand(a),
		reportCommand(a),
		sbomCommand(a),
		scanCommand(a),
		signCommand(a),
	)
	strictUsage(root)
	return root
}

// strictUsage makes usage errors input errors, and a noun without a verb one.
func strictUsage(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		strictUsage(c)
	}
	if cmd.RunE == nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return fault.Inputf("%s: unknown command %q", cmd.CommandPath(), args[0]).Fix("see %s --help", cmd.CommandPath())
		}
		cmd.Args = cobra.ArbitraryArgs
		return
	}
	check := cmd.Args
	if check == nil {
		check = cobra.NoArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return fault.Inputf("%s: %w", cmd.CommandPath(), err).Fix("see %s --help", cmd.CommandPath())
		}
		return nil
	}
}

// fromEnvironment sets each flag that was not given from PAVE_<FLAG>.
func fromEnvironment(flags *pflag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		env := "PAVE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := os.LookupEnv(env)
		if !ok || f.Changed || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, v); err != nil {
			errs = append(errs, fault.Inputf("environment variable %s: %w", env, err))
		}
	})
	return errors.Join(errs...)
}

// required makes the named flags mandatory, from the command line or the
// environment, and reports all that are missing at once.
func required(cmd *cobra.Command, names ...string) error {
	var missing []string
	for _, n := range names {
		if f := cmd.Flags().Lookup(n); f == nil || !f.Changed {
			missing = append(missing, "--"+n)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fault.Inputf("%s needs %s", cmd.CommandPath(), strings.Join(missing, ", ")).Fix("see %s --help", cmd.CommandPath())
}
