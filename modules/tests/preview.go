package main

import (
	"context"
	"errors"
	"strings"

	"dagger/tests/internal/dagger"
)

// Preview tests the ApplicationSet of an application's previews: rendered, committed once,
// removed, and what is refused. Argo CD's part is tested where there is one.
// +cache="never"
func (t *Tests) Preview(ctx context.Context) error {
	s, err := t.start(ctx, "preview", "platform/gitops")
	if err != nil {
		return err
	}
	defer s.stop()
	m := dag.Preview(dagger.PreviewForgeBitbucketCloud, "acme", "hello-go", dagger.PreviewOpts{
		Toolbox: s.tools, Ca: s.ca, Repository: gitHost + "/platform/gitops.git", Username: "git", Token: s.token,
	})
	contract := t.Examples.File("hello-go/platform.yaml")
	charts, image, domain := registryHost+"/platform/charts", registryHost+"/demo/hello-go", "previews.example.internal"
	manifest, err := m.Render(contract, charts, chartVersion, dagger.PreviewRenderOpts{Domain: domain, Image: image}).Contents(ctx)
	if err != nil {
		return err
	}
	opts := dagger.PreviewEnableOpts{Domain: domain, Image: image}
	dry := opts
	dry.DryRun = true
	type change struct {
		Commit  string
		Changed bool
	}
	shown, err := decode[change](m.Enable(ctx, contract, charts, chartVersion, dry))
	if err != nil {
		return err
	}
	first, err := decode[change](m.Enable(ctx, contract, charts, chartVersion, opts))
	if err != nil {
		return err
	}
	second, err := decode[change](m.Enable(ctx, contract, charts, chartVersion, opts))
	if err != nil {
		return err
	}
	_, nowhere := m.Enable(ctx, contract, charts, chartVersion, dagger.PreviewEnableOpts{Image: image})
	gone, err := decode[change](m.Disable(ctx, "demo", "hello-go"))
	if err != nil {
		return err
	}
	again, err := decode[change](m.Disable(ctx, "demo", "hello-go"))
	return errors.Join(err,
		want("the manifest is an ApplicationSet for Bitbucket", strings.Contains(manifest, "kind: ApplicationSet") && strings.Contains(manifest, "bitbucket:"), true),
		want("a dry run would change something", shown.Changed, true),
		want("enabled the first time", first.Changed, true),
		want("enabled the second time", second.Changed, false),
		want("the second time's commit", second.Commit, first.Commit),
		refused(nowhere, 2, "--domain"),
		want("disabled the first time", gone.Changed, true),
		want("disabled the second time", again.Changed, false),
	)
}
