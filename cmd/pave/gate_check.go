package main

import (
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
)

// gateCheckCommand says again what a gate said: a pipeline first keeps the
// reports of a gate, then ends with its verdict.
func gateCheckCommand(a *cli.App) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check --file gate.json",
		Short: "Say again what a gate said; exit 3 if the image may not be published",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "file"); err != nil {
				return err
			}
			content, err := os.ReadFile(file)
			if err != nil {
				return fault.Inputf("gate result: %w", err).Fix("give the gate.json that pave gate image wrote")
			}
			var r gateResult
			if err := json.Unmarshal(content, &r); err != nil || r.Digest == "" {
				return fault.Inputf("%s is no result of a gate", file).Fix("give the gate.json that pave gate image wrote")
			}
			if err := a.Emit(r); err != nil {
				return err
			}
			return r.Scan.Verdict()
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "gate.json that pave gate image wrote")
	return cmd
}
