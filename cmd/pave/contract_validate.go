package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
)

func contractValidateCommand(a *cli.App) *cobra.Command {
	var file, secretsFile string
	var domains, secrets []string
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check platform.yaml and report all that is wrong with it at once",
		Example: `  pave contract validate --file platform.yaml
  pave contract validate --ingress-domain apps.example.internal --secret demo-env --secret demo-db
  kubectl get secrets --namespace demo-staging --output name > secrets.txt && pave contract validate --secrets-file secrets.txt`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var known []contract.Option
			for _, d := range domains {
				known = append(known, contract.IngressDomains(contract.Host(strings.TrimPrefix(d, "*."))))
			}
			if cmd.Flags().Changed("secret") || secretsFile != "" {
				more, err := secretNames(secretsFile)
				if err != nil {
					return err
				}
				known = append(known, contract.Secrets(append(secrets, more...)...))
			}
			app, err := contract.Read(file, known...)
			problems, invalid := errors.AsType[contract.Problems](err)
			switch {
			case invalid && a.JSON:
				return errors.Join(a.Emit(validation{File: file, Problems: problems}), err)
			case err != nil:
				return err
			}
			m := app.Metadata
			return a.Emit(validation{File: file, Name: m.Name, Team: m.Team, Project: m.Project, Valid: true})
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "file", "platform.yaml", "the contract to check")
	f.StringSliceVar(&domains, "ingress-domain", nil, "domain under which hosts must be; may be repeated (default: any)")
	f.StringSliceVar(&secrets, "secret", nil, "Secret that the project has; may be repeated (default: any)")
	f.StringVar(&secretsFile, "secrets-file", "", "file with the Secrets that the project has, one name a line, as from kubectl get secrets --output name")
	return cmd
}

// secretNames reads one name a line; an empty path has none.
func secretNames(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Inputf("--secrets-file: %w", err)
	}
	var names []string
	for line := range bytes.Lines(data) {
		name := strings.TrimPrefix(strings.TrimSpace(string(line)), "secret/")
		if name != "" && !strings.HasPrefix(name, "#") {
			names = append(names, name)
		}
	}
	return names, nil
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
