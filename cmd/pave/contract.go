package main

import (
	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/cli"
)

func contractCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contract <verb>",
		Short: "platform.yaml: what an application needs from the platform",
	}
	cmd.AddCommand(
		contractExplainCommand(a),
		contractInitCommand(a),
		cli.Schema(a, "platform.yaml", contract.SchemaURL, contract.Schema),
		contractValidateCommand(a),
	)
	return cmd
}
