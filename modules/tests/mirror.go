package main

import (
	"context"
	"errors"

	"dagger/tests/internal/dagger"
)

// mirrored is a list of one image, in the registry that it is mirrored to.
const mirrored = `apiVersion: pave/v1
kind: ImageList
defaults:
  target: registry:5000/library
images:
  - name: hello-go
    source: registry:5000/upstream/hello-go
    tags: ["1"]
`

// Mirror tests that what was approved is copied, once and signed, that nothing else is,
// and that a tag that moves is not followed; and an archive across an air gap.
// +cache="never"
func (t *Tests) Mirror(ctx context.Context) error {
	s, err := t.start(ctx, "mirror")
	if err != nil {
		return err
	}
	defer s.stop()
	key, err := newKey("mirror-key")
	if err != nil {
		return err
	}
	registry := dagger.ImageOpts{Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: s.password}
	const upstream = registryHost + "/upstream/hello-go:1"
	if _, err := dag.Image(registry).Publish(ctx, t.hello(), upstream); err != nil {
		return err
	}
	mirror := func(source *dagger.Directory, target string) *dagger.Mirror {
		return dag.Mirror(source, dagger.MirrorOpts{
			Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: s.password, Key: key, Target: target,
			Database: dag.Lab(dagger.LabOpts{Toolbox: t.Tools}).VulnerabilityDatabase(),
		})
	}
	list := dag.Directory().WithNewFile("images.yaml", mirrored)
	_, asked := mirror(list, "").Plan(ctx, dagger.MirrorPlanOpts{ExitCode: true})
	early, err := decode[copied](mirror(list, "").Run(ctx))
	if err != nil {
		return err
	}
	approved, err := mirror(list, "").Approve("jane").After().Sync(ctx)
	if err != nil {
		return err
	}
	m := mirror(approved, "")
	first, err := decode[copied](m.Run(ctx))
	if err != nil {
		return err
	}
	second, err := decode[copied](m.Run(ctx))
	if err != nil {
		return err
	}
	far := mirror(approved, registryHost+"/far")
	if _, err := far.Import(m.Export()).Sync(ctx); err != nil {
		return err
	}
	arrived, err := decode[copied](far.Run(ctx))
	if err != nil {
		return err
	}
	moved := dag.Image(dagger.ImageOpts{Toolbox: t.Tools}).Build(t.Examples.Directory("hello-go"), dagger.ImageBuildOpts{Labels: []string{"moved=yes"}})
	if _, err := dag.Image(registry).Publish(ctx, moved, upstream); err != nil {
		return err
	}
	_, changed := m.Plan(ctx, dagger.MirrorPlanOpts{ExitCode: true})
	still, err := decode[copied](m.Run(ctx))
	_, broken := mirror(dag.Directory().WithNewFile("images.yaml", "images: 3\n"), "").Plan(ctx)
	return errors.Join(err,
		refused(asked, 3, "hello-go:1"),
		want("without an approval", early.state(), "unapproved"),
		want("the first run", first.state(), "copied"),
		want("the second run", second.state(), "present"),
		want("behind the air gap", arrived.state(), "present"),
		refused(changed, 3, "hello-go:1"),
		want("after the tag moved", still.state(), "present"),
		refused(broken, 2, "images.yaml:1:"),
	)
}

type copied struct {
	Items []struct{ State string }
}

// state is what became of the one image.
func (c copied) state() string {
	if len(c.Items) != 1 {
		return "not one image"
	}
	return c.Items[0].State
}
