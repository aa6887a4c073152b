// Package cli is what pave's programs share on their command lines: flags that
// mean the same everywhere, results for people and for programs, exit codes. It
// holds no step: a program has in it what its steps need and no more.
package cli

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

// App is what every subcommand shares: where to write and how.
type App struct {
	Stdout, Stderr io.Writer
	JSON           bool // results as JSON documents
	Log            *slog.Logger
}

// Result is what a step gives back: a JSON document that can also say itself
// in a few lines for a person.
type Result interface {
	Summary(w io.Writer)
}

// Emit writes r to stdout: one JSON document with --json, else a summary.
func (a *App) Emit(r Result) error {
	if !a.JSON {
		r.Summary(a.Stdout)
		return nil
	}
	enc := json.NewEncoder(a.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Finish ends a command with what its step gave: the result is written, or the
// error is the command's.
func (a *App) Finish(r Result, err error) error {
	if err != nil {
		return err
	}
	return a.Emit(r)
}

// EmitEven writes what is known even where not all went well, and gives err.
func (a *App) EmitEven(r Result, known bool, err error) error {
	if known {
		if failed := a.Emit(r); err == nil {
			return failed
		}
	}
	return err
}

// Main is a program's main without the process: it gives the exit code.
func Main(name string, args []string, stdout, stderr io.Writer, root func(*App) *cobra.Command) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := root(&App{Stdout: stdout, Stderr: stderr, Log: slog.New(slog.NewTextHandler(stderr, nil))})
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, name+": interrupted")
		return int(fault.Failed)
	}
	fmt.Fprintln(stderr, name+":", err)
	return int(fault.KindOf(err))
}

// Root is a program's first command: use and the texts are its own, the flags
// and rules those of every pave program.
func Root(a *App, root *cobra.Command) *cobra.Command {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd.Flags()) }
	root.Long += `

Every flag can also be given as an environment variable: --ca-file as
PAVE_CA_FILE. Secrets are read from a file or from a named environment
variable, never from a flag's value.

Exit codes: 0 done, 1 failed, 2 bad input or usage, 3 a gate said no.`
	root.PersistentFlags().BoolVar(&a.JSON, "json", false, "write the result as one JSON document")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.Inputf("%s: %w", cmd.CommandPath(), err).Fix("see %s --help", cmd.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
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

// Required makes the named flags mandatory, from the command line or the
// environment, and reports all that are missing at once.
func Required(cmd *cobra.Command, names ...string) error {
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
