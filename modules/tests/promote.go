package main

import (
	"context"
	"errors"
	"slices"

	"dagger/tests/internal/dagger"
)

const (
	promotedCommit = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
	chartVersion   = "0.2.0"
)

// Promote tests a release on its way: to production, once, not with another key, and
// never again after a rejection. The cluster's part is tested where there is one.
// +cache="never"
func (t *Tests) Promote(ctx context.Context) error {
	s, err := t.start(ctx, "promote", "platform/gitops")
	if err != nil {
		return err
	}
	defer s.stop()
	key, err := newKey("promote-key")
	if err != nil {
		return err
	}
	other, err := newKey("promote-other-key")
	if err != nil {
		return err
	}
	signed := func(key *dagger.Secret) *dagger.Sign {
		return dag.Sign(dagger.SignOpts{Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: s.password, Key: key})
	}
	ref, err := t.staged(ctx, s, signed(key))
	if err != nil {
		return err
	}
	promote := func(key *dagger.Secret) *dagger.Promote {
		return dag.Promote(gitHost+"/platform/gitops.git", dagger.PromoteOpts{
			Toolbox: s.tools, Ca: s.ca, Username: "git", Token: s.token,
			RegistryUser: registryUser, RegistryPassword: s.password, PublicKey: signed(key).PublicKey(),
		})
	}
	m := promote(key)
	values := dag.Chart(dagger.ChartOpts{Toolbox: s.tools}).
		Values(t.Examples.File("hello-go/platform.yaml"), ref, dagger.ChartValuesOpts{Environment: "production"})
	require := dagger.PromoteRunOpts{Require: []string{"spdx"}}
	dry := require
	dry.DryRun = true
	shown, err := decode[moved](m.Run(ctx, "demo", "hello-go", values, dry))
	if err != nil {
		return err
	}
	_, unsigned := promote(other).Run(ctx, "demo", "hello-go", values, require)
	first, err := decode[moved](m.Run(ctx, "demo", "hello-go", values, require))
	if err != nil {
		return err
	}
	second, err := decode[moved](m.Run(ctx, "demo", "hello-go", values, require))
	if err != nil {
		return err
	}
	_, back := m.Rollback(ctx, "demo", "hello-go", "production", dagger.PromoteRollbackOpts{Require: []string{"spdx"}})
	_, blind := m.Run(ctx, "demo", "hello-go", values, dagger.PromoteRunOpts{Require: []string{"spdx"}, Soak: "10m"})
	if _, err := m.Reject(ctx, "demo", first.Digest, "it leaks"); err != nil {
		return err
	}
	_, rejected := m.Run(ctx, "demo", "hello-go", values, require)
	history, err := decode[struct{ Entries []moved }](m.History(ctx, "demo", "hello-go", "production"))
	return errors.Join(err,
		want("a dry run would change something", shown.Changed, true),
		refused(unsigned, 3, "key"),
		want("the first promotion changed something", first.Changed, true),
		want("what was verified", slices.Equal(first.Verified, []string{"signature", "spdx"}), true),
		want("the second promotion changed something", second.Changed, false),
		want("the second promotion's commit", second.Commit, first.Commit),
		refused(back, 2, "no earlier release"),
		refused(blind, 2, "--kubeconfig-file"),
		refused(rejected, 3, "it leaks"),
		want("promotions in the history", len(history.Entries), 1),
	)
}

// staged publishes, signs and attests the example, and deploys it to staging.
func (t *Tests) staged(ctx context.Context, s *servers, sign *dagger.Sign) (ref string, err error) {
	published, err := decode[imageResult](dag.Image(dagger.ImageOpts{
		Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: s.password,
	}).Publish(ctx, t.hello(), registryHost+"/demo/hello-go:1"))
	if err != nil {
		return "", err
	}
	if _, err := sign.Image(ctx, published.Ref); err != nil {
		return "", err
	}
	spdx := dag.Sbom(dagger.SbomOpts{Toolbox: t.Tools}).Spdx(t.hello())
	if _, err := sign.Attest(ctx, published.Ref, dagger.SignAttestOpts{Spdx: spdx}); err != nil {
		return "", err
	}
	values := dag.Chart(dagger.ChartOpts{Toolbox: s.tools}).Values(t.Examples.File("hello-go/platform.yaml"), published.Ref)
	_, err = dag.Deploy(gitHost+"/platform/gitops.git", dagger.DeployOpts{Toolbox: s.tools, Ca: s.ca, Username: "git", Token: s.token}).
		App(ctx, "hello-go", "demo", published.Ref, registryHost+"/platform/charts", chartVersion, values, dagger.DeployAppOpts{Revision: promotedCommit})
	return published.Ref, err
}

type moved struct {
	Digest, Commit string
	Changed        bool
	Verified       []string
}
