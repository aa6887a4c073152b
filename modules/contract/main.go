// platform.yaml, the one file in which a team says what its application needs.
//
// Checks the file, explains its fields, writes a first one, and gives the JSON Schema that
// editors complete it with. The chart module renders it.
package main

import (
	"context"

	"dagger/contract/internal/dagger"
)

// Contract reads platform.yaml.
type Contract struct {
	// +private
	Toolbox *dagger.Container
	// +private
	Args []string
}

// New says what the platform allows.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// Domains that hosts may be in, as apps.example.internal; any by default.
	// +optional
	ingressDomains []string,
	// Secrets that the project has; a reference to another one is an error. Not checked by default.
	// +optional
	secrets []string,
) *Contract {
	m := &Contract{Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{Base: toolbox})}
	for _, d := range ingressDomains {
		m.Args = append(m.Args, "--ingress-domain="+d)
	}
	for _, s := range secrets {
		m.Args = append(m.Args, "--secret="+s)
	}
	return m
}

// Validate checks platform.yaml and gives name, team and project as JSON; it fails with
// exit code 2 and everything that is wrong, each with line and column.
func (m *Contract) Validate(
	ctx context.Context,
	// The application's platform.yaml.
	contract *dagger.File,
) (string, error) {
	return m.Toolbox.
		WithWorkdir("/in").
		WithMountedFile("/in/platform.yaml", contract).
		WithExec(append([]string{"contract", "validate", "--file=platform.yaml", "--json"}, m.Args...), entrypoint).
		Stdout(ctx)
}

// Schema is the JSON Schema (2020-12) of platform.yaml.
func (m *Contract) Schema() *dagger.File {
	return m.Toolbox.
		WithExec([]string{"contract", "schema", "--output=/out/platform.schema.json"}, entrypoint).
		File("/out/platform.schema.json")
}

// Explain says what a field is for, what it may hold and what it is when it is not given.
func (m *Contract) Explain(
	ctx context.Context,
	// The field, as spec.database.instances.
	// +optional
	// +default="spec"
	field string,
) (string, error) {
	return m.Toolbox.WithExec([]string{"contract", "explain", field}, entrypoint).Stdout(ctx)
}

// Init is a first platform.yaml.
func (m *Contract) Init(
	// Name of the application.
	name string,
	// Team that owns it.
	team string,
	// Project that it belongs to.
	project string,
) *dagger.File {
	return m.Toolbox.
		WithWorkdir("/out").
		WithExec([]string{"contract", "init", "--name=" + name, "--team=" + team, "--project=" + project, "--file=/out/platform.yaml"}, entrypoint).
		File("/out/platform.yaml")
}

// entrypoint makes the arguments of an exec those of pave.
var entrypoint = dagger.ContainerWithExecOpts{UseEntrypoint: true}
