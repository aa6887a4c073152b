package main

import "github.com/spf13/cobra"

// devCommand holds the servers and data that demos and tests need.
func devCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Small real servers and data for demos and tests: not for production",
	}
	cmd.AddCommand(
		devCACommand(a),
		devGitCommand(a),
		devRegistryCommand(a),
		devTalosCommand(a),
		devVCenterCommand(a),
		devVulndbCommand(a),
	)
	return cmd
}
