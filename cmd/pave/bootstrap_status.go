package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
)

// bootstrapStatusCommand shows how the nodes are.
func bootstrapStatusCommand(a *cli.App) *cobra.Command {
	var o cluster.StatusOptions
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show every node: stage, versions, services, etcd",
		Long: `Show every node: stage, versions, services, etcd.

A node that does not answer is a line of the table, with the reason as its stage:
refused, silent, insecure (no machine config), clock, foreign (another cluster's),
failing. With --json the result says whether everything is healthy; with
--exit-code the command ends with 3 if it is not.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = a.Log
			s, err := cluster.Look(cmd.Context(), o)
			if err := a.Finish(s, err); err != nil || !exitCode || s.Healthy {
				return err
			}
			return fault.Gatef("cluster %s is not healthy", s.Cluster).Fix("look at the nodes that are not running, ready and well, and at etcd's members")
		},
	}
	f := cmd.Flags()
	fleetFlags(f, &o.Options, 5*time.Second, "for each node")
	f.BoolVar(&exitCode, "exit-code", false, "exit 3 if anything is not healthy")
	f.StringVar(&o.Kubeconfig, "kubeconfig", "", "kubeconfig to ask Kubernetes with (default: a control plane gives one)")
	return cmd
}

// repositoryOf splits --downloads.
func repositoryOf(cmd *cobra.Command) (workspace, repository string, err error) {
	given, err := cmd.Flags().GetString("downloads")
	if err != nil || given == "" {
		return "", "", err
	}
	workspace, repository, ok := strings.Cut(given, "/")
	if !ok {
		return "", "", fault.Inputf("--downloads %q is not a repository", given).Fix("give it as WORKSPACE/REPOSITORY")
	}
	return workspace, repository, nil
}
