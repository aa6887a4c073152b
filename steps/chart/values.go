package chart

import (
	"context"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/golden-path/render"
)

// ValuesOptions say for which release to write values.
type ValuesOptions struct {
	File        string // platform.yaml
	Environment string // staging or production
	Image       string // registry/project/app@sha256:…
	Output      string // values file to write
}

// ValuesResult is the values of one release.
type ValuesResult struct {
	Name        string `json:"name"`
	Team        string `json:"team"`
	Project     string `json:"project"`
	Environment string `json:"environment"`
	Image       string `json:"image"`
	Path        string `json:"path"`
}

// Summary says whose values were written.
func (r ValuesResult) Summary(w io.Writer) {
	fmt.Fprintf(w, "%s of team %s in %s-%s\nimage  %s\nvalues %s\n", r.Name, r.Team, r.Project, r.Environment, r.Image, r.Path)
}

const valuesHeader = "# Written by pave from platform.yaml: change that file, not this one.\n"

// Values renders platform.yaml to values for the base chart.
func Values(ctx context.Context, o ValuesOptions) (ValuesResult, error) {
	environment, err := contract.ParseEnvironment(o.Environment)
	if err != nil {
		return ValuesResult{}, err
	}
	app, err := contract.Read(o.File)
	if err != nil {
		return ValuesResult{}, err
	}
	values, err := render.Values(app, environment, o.Image)
	if err != nil {
		return ValuesResult{}, err
	}
	c, err := load(ctx, "")
	if err != nil {
		return ValuesResult{}, err
	}
	if err := (&input{file: o.File, values: values}).check(c); err != nil {
		return ValuesResult{}, err
	}
	data, err := yaml.Marshal(values)
	if err != nil {
		return ValuesResult{}, err
	}
	if err := writeFile(o.Output, append([]byte(valuesHeader), data...)); err != nil {
		return ValuesResult{}, err
	}
	return ValuesResult{
		Name: string(app.Metadata.Name), Team: string(app.Metadata.Team), Project: string(app.Metadata.Project),
		Environment: o.Environment, Image: o.Image, Path: o.Output,
	}, nil
}
