package main

import (
	"context"
	"errors"

	"dagger/tests/internal/dagger"
)

type imageResult struct {
	Digest, Ref string
	Pushed      bool
	Labels      map[string]string
}

// Image tests both builders, publishing, exporting, and what is refused.
// +cache="never"
func (t *Tests) Image(ctx context.Context) error {
	s, err := t.start(ctx, "image")
	if err != nil {
		return err
	}
	defer s.stop()
	m := dag.Image(dagger.ImageOpts{Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: s.password})
	for _, example := range []string{"hello-go", "hello-docker"} {
		if err := t.publishTwice(ctx, m, example); err != nil {
			return err
		}
	}
	return errors.Join(
		t.refusedSources(ctx, m),
		t.refusedRegistries(ctx, s),
	)
}

func (t *Tests) publishTwice(ctx context.Context, m *dagger.Image, example string) error {
	tarball := m.Build(t.Examples.Directory(example), dagger.ImageBuildOpts{Revision: "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"})
	built, err := decode[imageResult](m.Inspect(ctx, tarball))
	if err != nil {
		return err
	}
	ref := registryHost + "/image/" + example
	first, err := decode[imageResult](m.Publish(ctx, tarball, ref+":c0ffee"))
	if err != nil {
		return err
	}
	second, err := decode[imageResult](m.Publish(ctx, tarball, ref+":c0ffee"))
	if err != nil {
		return err
	}
	manifests, err := m.Export(first.Ref).Glob(ctx, "blobs/sha256/*")
	if err != nil {
		return err
	}
	return errors.Join(
		want(example+": the revision label", built.Labels["org.opencontainers.image.revision"], "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"),
		want(example+": the published reference", first.Ref, ref+"@"+built.Digest),
		want(example+": pushed the first time", first.Pushed, true),
		want(example+": pushed the second time", second.Pushed, false),
		want(example+": the export has blobs", len(manifests) >= 3, true),
	)
}

func (t *Tests) refusedSources(ctx context.Context, m *dagger.Image) error {
	_, empty := m.Build(dag.Directory().WithNewFile("README.md", "nothing to build")).Sync(ctx)
	_, broken := m.Build(dag.Directory().
		WithNewFile("go.mod", "module broken\n\ngo 1.26\n").
		WithNewFile("main.go", "package main\n\nfunc main() { undefined() }\n")).Sync(ctx)
	_, altered := m.Inspect(ctx, dag.Directory().WithNewFile("image.tar", "not a tarball").File("image.tar"))
	return errors.Join(
		refused(empty, 2, "go.mod"),
		refused(broken, 2, "main.go:3:15: undefined: undefined"),
		refused(altered, 2, "image.tar"),
	)
}

func (t *Tests) refusedRegistries(ctx context.Context, s *servers) error {
	wrong := dag.SetSecret("image-wrong-password", "wrong")
	tarball, ref := t.hello(), registryHost+"/image/refused:1"
	_, password := dag.Image(dagger.ImageOpts{Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: wrong}).Publish(ctx, tarball, ref)
	_, ca := dag.Image(dagger.ImageOpts{Toolbox: s.tools, RegistryUser: registryUser, RegistryPassword: s.password}).Publish(ctx, tarball, ref)
	_, nobody := dag.Image(dagger.ImageOpts{Toolbox: s.tools}).Publish(ctx, tarball, "127.0.0.1:1/image/refused:1")
	return errors.Join(
		refused(password, 1, "refused the credentials (401)"),
		refused(ca, 1, "unknown authority"),
		refused(nobody, 1, "refuses connections"),
	)
}
