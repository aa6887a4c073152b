package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/golden-path/contract"
)

func contractCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contract <verb>",
		Short: "platform.yaml: what an application needs from the platform",
	}
	cmd.AddCommand(contractValidateCommand(a))
	return cmd
}

func contractValidateCommand(a *app) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:     "validate",
		Short:   "Check platform.yaml and report all that is wrong with it at once",
		Example: "  pave contract validate --file platform.yaml",
		RunE: func(*cobra.Command, []string) error {
			app, err := contract.Read(file)
			problems, invalid := errors.AsType[contract.Problems](err)
			switch {
			case invalid && a.json:
				return errors.Join(a.emit(validation{File: file, Problems: problems}), err)
			case err != nil:
				return err
			}
			m := app.Metadata
			return a.emit(validation{File: file, Name: m.Name, Team: m.Team, Project: m.Project, Valid: true})
		},
	}
	cmd.Flags().StringVar(&file, "file", "platform.yaml", "the contract to check")
	return cmd
}

// validation is the Result of `pave contract validate`.
type validation struct {
	File     string            `json:"file"`
	Name     contract.Name     `json:"name,omitempty"`
	Team     contract.Name     `json:"team,omitempty"`
	Project  contract.Name     `json:"project,omitempty"`
	Valid    bool              `json:"valid"`
	Problems contract.Problems `json:"problems,omitempty"`
}

// Summary names the application of a valid contract.
func (v validation) Summary(w io.Writer) {
	fmt.Fprintf(w, "%s is valid: %s of team %s in project %s\n", v.File, v.Name, v.Team, v.Project)
}
