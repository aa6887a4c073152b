// The pipeline of team web: the platform's image and gates, and a smoke test of its own.
//
// A team's own module that imports two of the platform's and adds a step between them.
package main

import (
	"context"
	"fmt"
	"strings"

	"dagger/web/internal/dagger"
)

// Web is the team's pipeline.
type Web struct {
	// +private
	Source *dagger.Directory
	// +private
	Database *dagger.Directory
}

// New takes the team's source.
func New(
	// The application.
	// +defaultPath="/examples/hello-go"
	source *dagger.Directory,
	// Vulnerability database; the public one by default.
	// +optional
	database *dagger.Directory,
) *Web {
	return &Web{Source: source, Database: database}
}

// Image is the application's image as an OCI tarball, built the platform's way.
func (m *Web) Image() *dagger.File {
	return dag.Image().Build(m.Source)
}

// Smoke starts the image and asks it whether it is healthy: the team's own step.
func (m *Web) Smoke(ctx context.Context) (string, error) {
	app := dag.Container().Import(m.Image()).WithExposedPort(8080).
		AsService(dagger.ContainerAsServiceOpts{UseEntrypoint: true})
	url, err := app.Endpoint(ctx, dagger.ServiceEndpointOpts{Scheme: "http"})
	if err != nil {
		return "", err
	}
	if _, err := dag.HTTP(url+"/healthz", dagger.HTTPOpts{ExperimentalServiceHost: app}).Sync(ctx); err != nil {
		return "", err
	}
	return "healthy", nil
}

// Contract checks the team's platform.yaml.
// +check
func (m *Web) Contract(ctx context.Context) error {
	_, err := dag.Contract().Validate(ctx, m.contract())
	return err
}

// Chart checks the team's values against the base chart.
// +check
func (m *Web) Chart(ctx context.Context) error {
	_, err := dag.Chart().Lint(ctx, dagger.ChartLintOpts{Values: m.values()})
	return err
}

// Policies checks what the team deploys against what the cluster refuses.
// +check
func (m *Web) Policies(ctx context.Context) error {
	_, err := dag.Policy().Check(ctx, dag.Chart().Template(m.values(), "hello-go", "demo-staging"))
	return err
}

func (m *Web) contract() *dagger.File { return m.Source.File("platform.yaml") }

// values are those of an image that is not built yet: the checks take no minute.
func (m *Web) values() *dagger.File {
	return dag.Chart().Values(m.contract(), "registry.invalid/demo/hello-go@sha256:"+strings.Repeat("0", 64))
}

// Check is what the team runs on each commit: the smoke test, then the platform's gates.
func (m *Web) Check(ctx context.Context) (string, error) {
	health, err := m.Smoke(ctx)
	if err != nil {
		return "", fmt.Errorf("smoke test: %w", err)
	}
	verdict := dag.Scan(dagger.ScanOpts{Database: m.Database}).Gate(m.Image())
	if _, err := verdict.Enforce().Sync(ctx); err != nil {
		return "", err
	}
	table, err := verdict.Table(ctx)
	return fmt.Sprintf("smoke test: %s\n%s", health, table), err
}
