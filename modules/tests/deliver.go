package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"dagger/tests/internal/dagger"
)

const pinned = "registry:5000/demo/hello-go@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

// Chart tests platform.yaml to values to manifests, and pushing the chart.
// +cache="never"
func (t *Tests) Chart(ctx context.Context) error {
	s, err := t.start(ctx, "chart")
	if err != nil {
		return err
	}
	defer s.stop()
	m := dag.Chart(dagger.ChartOpts{Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: s.password})
	contract := t.Examples.File("hello-go/platform.yaml")
	values := m.Values(contract, pinned)
	manifests, err := m.Template(values, "hello-go", "demo-staging").Contents(ctx)
	if err != nil {
		return err
	}
	_, lint := m.Lint(ctx, dagger.ChartLintOpts{Values: values})
	first, err := decode[imageResult](m.Push(ctx, registryHost+"/chart/charts"))
	if err != nil {
		return err
	}
	second, err := decode[imageResult](m.Push(ctx, registryHost+"/chart/charts"))
	if err != nil {
		return err
	}
	archives, err := m.Package().Glob(ctx, "*.tgz")
	if err != nil {
		return err
	}
	return errors.Join(
		lint,
		want("manifests name the digest", strings.Contains(manifests, "image: "+pinned) || strings.Contains(manifests, `image: "`+pinned), true),
		want("pushed the first time", first.Pushed, true),
		want("pushed the second time", second.Pushed, false),
		want("archives", len(archives), 1),
	)
}

// Deploy tests concurrent deploys, a repeated one, and what is refused.
// +cache="never"
func (t *Tests) Deploy(ctx context.Context) error {
	s, err := t.start(ctx, "deploy", "platform/gitops", "platform/locked")
	if err != nil {
		return err
	}
	defer s.stop()
	opts := dagger.DeployOpts{Toolbox: s.tools, Ca: s.ca, Username: "git", Token: s.token}
	url := gitHost + "/platform/gitops.git"
	values := dag.Directory().WithNewFile("values.yaml", "name: hello\n").File("values.yaml")
	app := func(ctx context.Context, url string, opts dagger.DeployOpts, name string) (deployed, error) {
		return decode[deployed](dag.Deploy(url, opts).App(ctx, name, "demo", pinned, "registry:5000/platform/charts", "0.2.0", values))
	}

	group, groupCtx := errgroup.WithContext(ctx)
	for i := range 4 {
		group.Go(func() error {
			d, err := app(groupCtx, url, opts, fmt.Sprintf("app-%d", i))
			return errors.Join(err, want("changed", d.Changed, true))
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	again, err := app(ctx, url, opts, "app-0")
	if err != nil {
		return err
	}
	wrong, protected := opts, opts
	wrong.Token = dag.SetSecret("deploy-wrong-token", "wrong")
	protected.Branch = "protected"
	noCA := opts
	noCA.Ca = nil
	_, token := app(ctx, url, wrong, "app-9")
	if _, err := app(ctx, gitHost+"/platform/locked.git", protected, "app-8"); err != nil {
		return err // a protected branch can be created, but not changed
	}
	_, hook := app(ctx, gitHost+"/platform/locked.git", protected, "app-9")
	_, ca := app(ctx, url, noCA, "app-9")
	_, nobody := app(ctx, "https://127.0.0.1:1/gitops.git", opts, "app-9")
	_, traversal := app(ctx, url, opts, "../app-9")
	return errors.Join(
		want("changed the second time", again.Changed, false),
		refused(token, 1, "token"),
		refused(hook, 1, "protected"),
		refused(ca, 1, "--ca-file"),
		refused(nobody, 1, "127.0.0.1:1"),
		refused(traversal, 2, "../app-9"),
	)
}

type deployed struct {
	Commit  string
	Changed bool
}
