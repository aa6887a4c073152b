package main

import (
	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/report"
)

func reportCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "One page about a run of the golden path, from the results of its steps",
	}
	cmd.AddCommand(reportBuildCommand(a), reportPrintCommand(a))
	return cmd
}

func reportBuildCommand(a *cli.App) *cobra.Command {
	var o report.Options
	cmd := &cobra.Command{
		Use:   "build --dir DIR --output DIR",
		Short: "Write summary.json and report.html beside a copy of the results",
		Long: `Write summary.json and report.html beside a copy of the results.

The folder holds what the steps left behind, each under its own name:

  image.json          pave image build --json
  gate.json           pave gate image --json, and its sbom.*.json, scan.*
  publish.json        pave image publish --json
  sign.json           pave sign image --json
  provenance.json     pave sign provenance
  attest.json         pave sign attest --json
  verify.json         pave sign verify --json
  chart.json          pave chart push --json
  manifests.yaml      pave chart template
  deploy.json         pave deploy app --json
  application.yaml    pave deploy app --output

A missing file is a step that was not run. Other files are not copied.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "dir", "output"); err != nil {
				return err
			}
			return a.Finish(report.Run(cmd.Context(), o))
		},
	}
	cmd.Flags().StringVar(&o.Input, "dir", "", "folder with the results of the steps")
	cmd.Flags().StringVar(&o.Output, "output", "", "folder to write, made if missing")
	cmd.Flags().StringVar(&o.Title, "title", "", "heading of the page (default: the application's name)")
	return cmd
}

func reportPrintCommand(a *cli.App) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "print --summary FILE",
		Short: "Print the summary of a report as a short table",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "summary"); err != nil {
				return err
			}
			return a.Finish(report.ReadSummary(path))
		},
	}
	cmd.Flags().StringVar(&path, "summary", "", "summary.json of a report")
	return cmd
}
