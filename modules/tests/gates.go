package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"dagger/tests/internal/dagger"
)

// Sbom tests that both formats name what the image holds.
// +cache="never"
func (t *Tests) Sbom(ctx context.Context) error {
	m := dag.Sbom(dagger.SbomOpts{Toolbox: t.Tools})
	spdx, err := m.Spdx(t.hello()).Contents(ctx)
	if err != nil {
		return err
	}
	cyclonedx, err := m.Cyclonedx(t.hello()).Contents(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		want("SPDX 2.3", strings.Contains(spdx, `"SPDX-2.3"`), true),
		want("SPDX names golang.org/x/net", strings.Contains(spdx, "golang.org/x/net"), true),
		want("CycloneDX", strings.Contains(cyclonedx, `"CycloneDX"`), true),
		want("CycloneDX names golang.org/x/net", strings.Contains(cyclonedx, "golang.org/x/net"), true),
	)
}

// Scan tests that the gate lets pass what is within the limits, says no with exit code 3
// to what is not, and refuses a database that is none.
// +cache="never"
func (t *Tests) Scan(ctx context.Context) error {
	database := dag.Lab(dagger.LabOpts{Toolbox: t.Tools}).VulnerabilityDatabase()
	m := dag.Scan(dagger.ScanOpts{Toolbox: t.Tools, Database: database})

	within := m.Gate(t.hello())
	files, err := within.Enforce().Entries(ctx)
	if err != nil {
		return err
	}
	over := m.Gate(t.hello(), dagger.ScanGateOpts{MaxHigh: "0"})
	passed, err := over.Passed(ctx)
	if err != nil {
		return err
	}
	sarif, err := over.Files().File("scan.sarif").Contents(ctx)
	if err != nil {
		return err
	}
	_, tooMany := over.Enforce().Sync(ctx)
	_, none := dag.Scan(dagger.ScanOpts{Toolbox: t.Tools, Database: dag.Directory()}).Gate(t.hello()).Passed(ctx)
	return errors.Join(
		want("the reports", strings.Join(files, " "), "gate.json sbom.cdx.json sbom.spdx.json scan.json scan.sarif scan.txt vuln.json"),
		want("over the limit passed", passed, false),
		want("SARIF of what is over the limit", json.Valid([]byte(sarif)), true),
		refused(tooMany, 3, "HIGH"),
		refused(none, 2, "trivy.db is missing"),
	)
}
