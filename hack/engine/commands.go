package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/fault"
)

// The hidden commands that run in an engine's namespaces.
const (
	bootCommand  = "boot"
	sweepCommand = "sweep"
)

// app is what the commands share.
type app struct {
	stdout         io.Writer
	say            buildcache.Progress
	name, stateDir string
}

func (a *app) instance() (instance, error) { return newInstance(a.name, a.stateDir) }

func rootCommand(stdout, stderr io.Writer) *cobra.Command {
	a := &app{stdout: stdout, say: buildcache.Progress{Name: "engine", W: stderr}}
	root := &cobra.Command{
		Use:           "engine",
		Short:         "A Dagger engine for this repository, with and without Docker",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.Args = cobra.ArbitraryArgs
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return fault.Inputf("unknown command %q", args[0]).Fix("see --help")
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fault.Inputf("%w", err).Fix("see --help") })
	root.PersistentFlags().StringVar(&a.name, "name", DefaultName, "which engine: each has its own caches, socket and network")
	root.PersistentFlags().StringVar(&a.stateDir, "state-dir", DefaultStateDir, "where engines keep their caches")
	root.AddCommand(a.up(), a.down(), a.status(), a.env(), a.logs(), inside(bootCommand, bootEngine), inside(sweepCommand, sweep))
	return root
}

func (a *app) up() *cobra.Command {
	var debian string
	var registries []string
	cmd := &cobra.Command{
		Use: "up", Args: cobra.NoArgs, Short: "Make what is missing, start the engine and wait until it answers",
		RunE: func(cmd *cobra.Command, _ []string) error {
			i, err := a.instance()
			if err != nil {
				return err
			}
			m, err := parseMirrors(registries)
			if err != nil {
				return err
			}
			c, err := buildcache.New("engine", a.say)
			if err != nil {
				return err
			}
			return up(cmd.Context(), c, upOptions{i, debian, m})
		},
	}
	cmd.Flags().StringVar(&debian, "debian-mirror", "", "a Debian archive (default: the host's own)")
	cmd.Flags().StringArrayVar(&registries, "registry-mirror", nil,
		"HOST=MIRROR, as in docker.io=harbor.example.com/dockerhub: ask MIRROR before HOST for images (repeatable)")
	return cmd
}

func (a *app) down() *cobra.Command {
	var prune bool
	cmd := &cobra.Command{
		Use: "down", Args: cobra.NoArgs, Short: "End the engine and leave nothing of it running or mounted",
		RunE: func(cmd *cobra.Command, _ []string) error {
			i, err := a.instance()
			if err != nil {
				return err
			}
			return down(cmd.Context(), a.say, i, prune)
		},
	}
	cmd.Flags().BoolVar(&prune, "prune", false, "remove the engine's caches too")
	return cmd
}

func (a *app) status() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Args: cobra.NoArgs, Short: "Tell what runs; exit 1 when no engine answers",
		RunE: func(cmd *cobra.Command, _ []string) error {
			i, err := a.instance()
			if err != nil {
				return err
			}
			c, err := buildcache.New("engine", a.say)
			if err != nil {
				return err
			}
			s, err := statusOf(cmd.Context(), c, i)
			if err != nil {
				return err
			}
			if err := s.write(a.stdout, asJSON); err != nil || s.Answers {
				return err
			}
			return errDown
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON document")
	return cmd
}

func (a *app) env() *cobra.Command {
	return &cobra.Command{
		Use: "env", Args: cobra.NoArgs, Short: "Print the export lines that make a shell use the engine",
		RunE: func(cmd *cobra.Command, _ []string) error {
			i, err := a.instance()
			if err != nil {
				return err
			}
			r, err := i.running()
			if err != nil {
				return err
			}
			if r != nil {
				return printEnv(a.stdout, r.Parts.CLI, i.address())
			}
			if !i.mayBeDockers(cmd.Context()) {
				return fault.Failedf("engine %s does not run", i.name).Fix("use `go run ./hack/engine up`")
			}
			c, err := buildcache.New("engine", a.say)
			if err != nil {
				return err
			}
			cli, err := dockerCLI(cmd.Context(), c)
			if err != nil {
				return err
			}
			return printEnv(a.stdout, cli, "")
		},
	}
}

func (a *app) logs() *cobra.Command {
	return &cobra.Command{
		Use: "logs", Args: cobra.NoArgs, Short: "Print the log of the engine's last run",
		RunE: func(*cobra.Command, []string) error {
			i, err := a.instance()
			if err != nil {
				return err
			}
			if r, err := readRecord(i.record()); err == nil && r != nil {
				i.state = r.State // whatever --state-dir says now
			}
			f, err := os.Open(i.log())
			if err != nil {
				return fault.Failedf("engine %s has no log: %w", i.name, err).Fix("use `docker logs` where its engine runs in Docker")
			}
			defer f.Close()
			_, err = io.Copy(a.stdout, f)
			return err
		},
	}
}

// inside makes a hidden command that works only as the first process of new
// namespaces, on the record at its argument.
func inside(name string, run func(context.Context, *record) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if os.Getpid() != 1 {
				return fault.Inputf("%s is not a command for people", name).Fix("see --help")
			}
			r, err := readRecord(args[0])
			if err == nil && r == nil {
				err = fault.Inputf("%s: no such record", args[0])
			}
			if err != nil {
				return err
			}
			return run(cmd.Context(), r)
		},
	}
}
