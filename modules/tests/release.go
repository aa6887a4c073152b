package main

import (
	"context"
	"errors"
	"strings"

	"dagger/tests/internal/dagger"
)

// ReleaseImage tests the gates on a big, real image: pave's own.
// +cache="never"
func (t *Tests) ReleaseImage(ctx context.Context) error {
	path := dag.Pave(dagger.PaveOpts{Toolbox: t.Tools}).ReleaseImage("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00", dagger.PaveReleaseImageOpts{
		Database: dag.Lab(dagger.LabOpts{Toolbox: t.Tools}).VulnerabilityDatabase(),
	})
	gates := path.Gates()
	spdx, err := gates.File("sbom.spdx.json").Contents(ctx)
	if err != nil {
		return err
	}
	version, err := dag.Container().Import(path.Image()).
		WithExec([]string{"--help"}, dagger.ContainerWithExecOpts{UseEntrypoint: true}).Stdout(ctx)
	return errors.Join(err,
		want("the SBOM names Syft itself", strings.Contains(spdx, "github.com/anchore/syft"), true),
		want("the released binary runs", strings.Contains(version, "exit codes") || strings.Contains(version, "Exit codes"), true),
	)
}
