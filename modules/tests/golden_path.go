package main

import (
	"context"
	"errors"
	"strings"

	"dagger/tests/internal/dagger"
)

// GoldenPath tests the whole way: through, stopped by the gates before anything is
// pushed, and the report of both.
// +cache="never"
func (t *Tests) GoldenPath(ctx context.Context) error {
	s, err := t.start(ctx, "golden-path", "platform/gitops")
	if err != nil {
		return err
	}
	defer s.stop()
	key, err := newKey("golden-path-key")
	if err != nil {
		return err
	}
	opts := dagger.PaveGoldenPathOpts{
		Commit: "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00", Repository: "https://example.com/web/hello-go", Ca: s.ca,
		Registry: registryHost, RegistryUser: registryUser, RegistryPassword: s.password, SigningKey: key,
		Database: dag.Lab(dagger.LabOpts{Toolbox: t.Tools}).VulnerabilityDatabase(),
		Gitops:   gitHost + "/platform/gitops.git", GitopsUser: "git", GitopsToken: s.token,
	}
	path := func(opts dagger.PaveGoldenPathOpts) *dagger.PaveGoldenPath {
		return dag.Pave(dagger.PaveOpts{Toolbox: s.tools}).GoldenPath(t.Examples.Directory("hello-go"), opts)
	}
	strict := opts
	strict.MaxHigh = "0"
	strict.Commit = "badbad00badbad00badbad00badbad00badbad00"
	return errors.Join(t.stopped(ctx, path(strict), s), t.through(ctx, path(opts)))
}

func (t *Tests) stopped(ctx context.Context, path *dagger.PaveGoldenPath, s *servers) error {
	_, run := path.Run(ctx)
	_, publish := path.Publish(ctx)
	_, deploy := path.Deploy(ctx)
	summary, err := decode[summary](path.Report().File("summary.json").Contents(ctx))
	if err != nil {
		return err
	}
	image := dag.Image(dagger.ImageOpts{Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: s.password})
	_, absent := image.Export(registryHost + "/demo/hello-go:badbad00badbad00badbad00badbad00badbad00").Sync(ctx)
	return errors.Join(
		refused(run, 3, "HIGH"),
		refused(publish, 3, "HIGH"),
		refused(deploy, 3, "HIGH"),
		want("the commit of a stopped run", summary.Deploy.Commit, ""),
		want("the scan of a stopped run", summary.Scan.High > 0, true),
		refused(absent, 1, "hello-go"),
	)
}

func (t *Tests) through(ctx context.Context, path *dagger.PaveGoldenPath) error {
	report := path.Report()
	files, err := report.Entries(ctx)
	if err != nil {
		return err
	}
	first, err := decode[summary](report.File("summary.json").Contents(ctx))
	if err != nil {
		return err
	}
	table, err := path.Run(ctx)
	if err != nil {
		return err
	}
	commit, err := path.Deploy(ctx)
	if err != nil {
		return err
	}
	ref, err := path.Publish(ctx)
	return errors.Join(err,
		want("the reference", ref, first.Image.Ref),
		want("a second deploy's commit", commit, first.Deploy.Commit),
		want("verified", first.Signature.Verified, true),
		want("attestations", len(first.Attestations), 4),
		want("the table names the digest", strings.Contains(table, first.Image.Digest), true),
		want("report.html is there", strings.Contains(strings.Join(files, " "), "report.html"), true),
	)
}

type summary struct {
	Image        struct{ Ref, Digest string }
	Scan         struct{ High int }
	Signature    struct{ Verified bool }
	Attestations []any
	Deploy       struct{ Commit string }
}
