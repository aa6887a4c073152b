// The platform's base chart: values from platform.yaml, lint, template, package, push.
//
// One shared chart serves every application; only values differ. See https://helm.sh.
package main

import (
	"context"
	"time"

	"dagger/chart/internal/dagger"
)

// Chart renders and publishes Helm charts.
type Chart struct {
	// +private
	Toolbox *dagger.Container
	// +private
	Args []string
}

// New chooses the chart.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// PEM file with the platform's root CA.
	// +optional
	ca *dagger.File,
	// User name at the registry.
	// +optional
	registryUser string,
	// Password or token at the registry.
	// +optional
	registryPassword *dagger.Secret,
	// The chart; the platform's base chart, platform-app, by default.
	// +optional
	chart *dagger.Directory,
) *Chart {
	m := &Chart{Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{
		Base: toolbox, Ca: ca, RegistryUser: registryUser, RegistryPassword: registryPassword,
	})}
	if chart != nil {
		m.Toolbox = m.Toolbox.WithMountedDirectory("/in/chart", chart)
		m.Args = []string{"--chart=/in/chart"}
	}
	return m
}

// Values renders platform.yaml to values of the base chart for one environment.
func (m *Chart) Values(
	// The application's platform.yaml.
	contract *dagger.File,
	// The image, as registry/project/app@sha256:….
	image string,
	// Environment whose overrides apply.
	// +optional
	// +default="staging"
	environment string,
) *dagger.File {
	return m.Toolbox.
		WithWorkdir("/in").
		WithMountedFile("/in/platform.yaml", contract).
		WithExec([]string{"chart", "values", "--file=platform.yaml", "--image=" + image, "--environment=" + environment, "--output=/out/values.yaml"}, entrypoint).
		File("/out/values.yaml")
}

// Lint checks the chart and, where given, values against it.
func (m *Chart) Lint(
	ctx context.Context,
	// Values to check.
	// +optional
	values *dagger.File,
) (string, error) {
	args := []string{"chart", "lint"}
	ctr := m.Toolbox
	if values != nil {
		ctr = ctr.WithMountedFile("/in/values.yaml", values)
		args = append(args, "--values=/in/values.yaml")
	}
	return ctr.WithExec(append(args, m.Args...), entrypoint).Stdout(ctx)
}

// Template renders the chart with values to Kubernetes manifests.
func (m *Chart) Template(
	// Values of the chart.
	values *dagger.File,
	// Name of the release.
	release string,
	// Namespace of the release.
	namespace string,
) *dagger.File {
	return m.Toolbox.
		WithMountedFile("/in/values.yaml", values).
		WithExec(append([]string{
			"chart", "template", "--values=/in/values.yaml", "--release=" + release, "--namespace=" + namespace, "--output=/out/manifests.yaml",
		}, m.Args...), entrypoint).
		File("/out/manifests.yaml")
}

// Package makes the chart's archive: the same chart gives the same bytes everywhere.
func (m *Chart) Package() *dagger.Directory {
	return m.Toolbox.
		WithExec(append([]string{"chart", "package", "--output=/out"}, m.Args...), entrypoint).
		Directory("/out")
}

// Push publishes the chart as an OCI artefact and gives its reference as JSON. A version
// that is there with the same content is not pushed again; one with other content is
// refused.
// +cache="never"
func (m *Chart) Push(
	ctx context.Context,
	// Repository of charts, as registry/project/charts.
	repository string,
) (string, error) {
	return m.Toolbox.
		WithEnvVariable("PAVE_RUN", time.Now().String()).
		WithExec(append([]string{"chart", "push", "--repository=" + repository, "--json"}, m.Args...), entrypoint).
		Stdout(ctx)
}

// entrypoint makes the arguments of an exec those of pave.
var entrypoint = dagger.ContainerWithExecOpts{UseEntrypoint: true}
