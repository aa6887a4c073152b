package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/bootstrap/machineconfig"
	"github.com/pave-platform/pave/internal/cli"
)

// bootstrapConfigCommand is about cluster.yaml.
func bootstrapConfigCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "cluster.yaml: which machines a cluster has and where they stand"}
	cmd.AddCommand(cli.Schema(a, "cluster.yaml", config.SchemaURL, config.Schema), bootstrapConfigValidateCommand(a))
	return cmd
}

func bootstrapConfigValidateCommand(a *cli.App) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check cluster.yaml and report all that is wrong with it at once",
		RunE: func(*cobra.Command, []string) error {
			c, err := config.Read(file)
			problems, invalid := errors.AsType[config.Problems](err)
			switch {
			case invalid && a.JSON:
				return errors.Join(a.Emit(clusterValidation{File: file, Problems: problems}), err)
			case err != nil:
				return err
			}
			_, id := machineconfig.Schematic(c)
			return a.Emit(clusterValidation{
				File: file, Valid: true, Name: c.Metadata.Name, ControlPlanes: len(c.ControlPlanes()), Workers: len(c.Workers()), Schematic: id,
			})
		},
	}
	cmd.Flags().StringVar(&file, "file", "cluster.yaml", "the cluster")
	return cmd
}

// clusterValidation is the Result of `pave bootstrap config validate`.
type clusterValidation struct {
	File          string          `json:"file"`
	Valid         bool            `json:"valid"`
	Name          config.Name     `json:"name,omitempty"`
	ControlPlanes int             `json:"controlPlanes,omitempty"`
	Workers       int             `json:"workers,omitempty"`
	Schematic     string          `json:"schematic,omitempty"` // id of the image with all extensions at an Image Factory
	Problems      config.Problems `json:"problems,omitempty"`
}

// Summary names the cluster, and the image that it needs.
func (v clusterValidation) Summary(w io.Writer) {
	fmt.Fprintf(w, "%s is valid: cluster %s with %d control planes and %d workers\nits OVA has the schematic %s\n", v.File, v.Name, v.ControlPlanes, v.Workers, v.Schematic)
}
