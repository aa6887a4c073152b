package main

import (
	"context"
	"errors"
	"strings"

	"dagger/tests/internal/dagger"
)

// Toolbox tests that the container holds pave and nothing else.
// +cache="never"
func (t *Tests) Toolbox(ctx context.Context) error {
	help, err := t.Tools.WithExec([]string{"--help"}, dagger.ContainerWithExecOpts{UseEntrypoint: true}).Stdout(ctx)
	if err != nil {
		return err
	}
	files, err := t.Tools.Rootfs().Glob(ctx, "**/*")
	if err != nil {
		return err
	}
	var others []string
	for _, f := range files {
		if f != "usr/local/bin/pave" && !strings.HasSuffix(f, "/") {
			others = append(others, f)
		}
	}
	return errors.Join(
		want("the help names exit codes", strings.Contains(help, "3 a gate said no"), true),
		want("the container's other files", strings.Join(others, " "), ""),
	)
}
