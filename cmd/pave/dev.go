package main

import (
	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
)

// devCommand holds the servers and data that demos and tests need.
func devCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Small real servers and data for demos and tests: not for production",
	}
	cmd.AddCommand(
		devCACommand(a),
		devGitCommand(a),
		devOVACommand(a),
		devRegistryCommand(a),
		devTalosCommand(a),
		devVCenterCommand(a),
		devVulndbCommand(a),
	)
	return cmd
}
