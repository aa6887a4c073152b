package main

import (
	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
)

// bootstrapCommand takes a platform from an empty vSphere to a Kubernetes API.
func bootstrapCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "From an empty vSphere to a Kubernetes API",
		Long: `From an empty vSphere to a Kubernetes API.

Phase 1, vms, runs where vCenter is reached and writes vm_creation.outputs.json.
The later phases run where the machines are reached, and read it. Each phase
looks at what is there and does what is missing: it can be killed anywhere and
run again.`,
	}
	cmd.AddCommand(
		bootstrapArtefactCommand(a),
		bootstrapClusterCommand(a),
		bootstrapConfigCommand(a),
		bootstrapEtcdSnapshotCommand(a),
		bootstrapRecoverCommand(a),
		bootstrapStatusCommand(a),
		bootstrapVMsCommand(a),
	)
	return cmd
}
