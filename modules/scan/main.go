// Vulnerability scans of container images, made with Trivy, and the gate they are.
//
// Works on the OCI tarball, before the image is published. By default a gate lets at
// most three critical vulnerabilities pass. See https://github.com/aquasecurity/trivy.
package main

import (
	"context"
	"fmt"
	"time"

	"dagger/scan/internal/dagger"
)

// Scan looks for known vulnerabilities.
type Scan struct {
	// +private
	Toolbox *dagger.Container
	// +private
	VulnerabilityDatabase *dagger.Directory
	// +private
	DatabaseRepository string
	// +private
	DatabaseMaxAge string
}

// New chooses the vulnerability database: a folder, a repository in a registry, or
// Trivy's public ones.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// PEM file with the platform's root CA.
	// +optional
	ca *dagger.File,
	// User name at the registry of the database.
	// +optional
	registryUser string,
	// Password or token at the registry of the database.
	// +optional
	registryPassword *dagger.Secret,
	// Folder with trivy.db and metadata.json.
	// +optional
	database *dagger.Directory,
	// Repository of the database, as registry/project/trivy-db:2.
	// +optional
	databaseRepository string,
	// Age above which a database is refused, as a Go duration.
	// +optional
	// +default="168h"
	databaseMaxAge string,
) *Scan {
	return &Scan{
		Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{
			Base: toolbox, Ca: ca, RegistryUser: registryUser, RegistryPassword: registryPassword,
		}),
		VulnerabilityDatabase: database, DatabaseRepository: databaseRepository, DatabaseMaxAge: databaseMaxAge,
	}
}

// Database is the vulnerability database, fetched at most once an hour when it comes
// from a registry.
// +cache="session"
func (m *Scan) Database() *dagger.Directory {
	if m.VulnerabilityDatabase != nil {
		return m.VulnerabilityDatabase
	}
	args := []string{"scan", "database", "--output=/out", "--database-max-age=" + m.DatabaseMaxAge}
	if m.DatabaseRepository != "" {
		args = append(args, "--repository="+m.DatabaseRepository)
	}
	return m.Toolbox.
		WithEnvVariable("PAVE_HOUR", time.Now().UTC().Format("2006-01-02T15")).
		WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		Directory("/out")
}

// Gate makes the SBOM and scans for vulnerabilities, on one read of the image, and
// says whether the image may be published.
// +cache="session"
func (m *Scan) Gate(
	ctx context.Context,
	// OCI tarball of the image.
	tarball *dagger.File,
	// Most CRITICAL vulnerabilities that may pass: a number, or none for no limit.
	// +optional
	// +default="3"
	maxCritical string,
	// Most HIGH vulnerabilities that may pass: a number, or none for no limit.
	// +optional
	// +default="none"
	maxHigh string,
	// Most MEDIUM vulnerabilities that may pass: a number, or none for no limit.
	// +optional
	// +default="none"
	maxMedium string,
	// Most LOW vulnerabilities that may pass: a number, or none for no limit.
	// +optional
	// +default="none"
	maxLow string,
	// Count only vulnerabilities that a newer version of the package fixes.
	// +optional
	onlyFixed bool,
	// YAML list of vulnerabilities to ignore, each with a reason and an expiry date.
	// +optional
	ignoreFile *dagger.File,
) (*Verdict, error) {
	args := []string{
		"gate", "image", "--tarball=/in/image.tar", "--database=/in/database", "--output=/out",
		"--database-max-age=" + m.DatabaseMaxAge,
		"--max-critical=" + limit(maxCritical),
		"--max-high=" + limit(maxHigh),
		"--max-medium=" + limit(maxMedium),
		"--max-low=" + limit(maxLow),
	}
	ctr := m.Toolbox.
		WithMountedFile("/in/image.tar", tarball).
		WithMountedDirectory("/in/database", m.Database())
	if ignoreFile != nil {
		ctr = ctr.WithMountedFile("/in/ignore.yaml", ignoreFile)
		args = append(args, "--ignore-file=/in/ignore.yaml")
	}
	if onlyFixed {
		args = append(args, "--only-fixed")
	}
	// A gate that says no has written its reports first (exit code 3): keep them.
	ran, err := ctr.
		WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true, Expect: dagger.ReturnTypeAny}).
		Sync(ctx)
	if err != nil {
		return nil, err
	}
	code, err := ran.ExitCode(ctx)
	if err != nil {
		return nil, err
	}
	if code != 0 && code != exitGate {
		// Not a verdict but a failure: run it again to fail with its own words and exit code.
		_, err := ctr.WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true}).Sync(ctx)
		return nil, err
	}
	return &Verdict{Toolbox: m.Toolbox, Passed: code == 0, Files: ran.Directory("/out")}, nil
}

// limit is a limit as pave takes it. Limits are strings here because an SDK's client leaves
// out an argument that has its type's zero value, and a limit of 0 must not become the default.
func limit(most string) string {
	if most == "none" {
		return "-1"
	}
	return most
}

// exitGate is pave's exit code for a gate that says no.
const exitGate = 3

// Verdict is what the gate found.
type Verdict struct {
	// +private
	Toolbox *dagger.Container
	// Whether the image may be published.
	Passed bool
	// The reports: sbom.spdx.json, sbom.cdx.json, scan.json, scan.sarif, scan.txt, vuln.json, gate.json.
	Files *dagger.Directory
}

// Enforce gives the reports when the gate passed, and fails with exit code 3 and a
// table of what exceeded the limits when it did not.
func (v *Verdict) Enforce(ctx context.Context) (*dagger.Directory, error) {
	if v.Passed {
		return v.Files, nil
	}
	_, err := v.Toolbox.
		WithMountedDirectory("/in", v.Files).
		WithExec([]string{"gate", "check", "--file=/in/gate.json"}, dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		Sync(ctx)
	if err == nil {
		err = fmt.Errorf("the gate said no, but gate.json does not say why")
	}
	return nil, err
}

// Table is the scan as text for a person.
func (v *Verdict) Table(ctx context.Context) (string, error) {
	return v.Files.File("scan.txt").Contents(ctx)
}
