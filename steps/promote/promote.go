// Package promote takes a release from one environment to the next by digest,
// back to an earlier one, and out of a project for ever. All of it happens in
// Git: an Argo CD Application is replaced, and the same commit adds to the
// environment's history.
//
// It promises that a release is verified again on its way, that a rejected digest
// goes nowhere, that doing it again makes no second commit, and that what changed
// since it was decided is not overwritten but said.
package promote

import (
	"context"
	"errors"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Run promotes the release that the source environment has: its image, chart and
// revision, with the target environment's values.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := o.validate(); err != nil {
		return Result{}, err
	}
	values, err := gitops.ReadValues(o.ValuesFile)
	if err != nil {
		return Result{}, err
	}
	o.ArgoCD = o.answering()
	var m *move
	r, err := o.run(ctx, func(tree *gitrepo.Tree) (*move, error) {
		var err error
		m, err = o.decide(tree, values)
		return m, err
	})
	if errors.As(err, new(*again)) && o.Wait && !o.DryRun {
		return o.resume(ctx, m)
	}
	return o.settle(ctx, m, r, err)
}

func (o Options) validate() error {
	if o.Digest != "" {
		if err := gitops.ValidDigest(o.Digest); err != nil {
			return err
		}
	}
	switch {
	case o.Soak != nil && *o.Soak < 0:
		return fault.Inputf("--soak is below nothing: %s", *o.Soak)
	case o.Soak != nil && *o.Soak > 0 && o.ArgoCD == nil:
		return needsCluster("--soak")
	case o.RejectFailed && (!o.Wait || o.KeepFailed):
		return fault.Inputf("--reject-on-failure is for a release that is followed and taken back").Fix("give --wait, and leave --no-rollback out")
	}
	return o.Common.validate()
}

// decide finds out what is to be promoted where.
func (o Options) decide(tree *gitrepo.Tree, values *gitops.Values) (*move, error) {
	environments, err := gitops.LoadEnvironments(tree, o.Project)
	if err != nil {
		return nil, err
	}
	from, to, err := environments.Step(o.From, o.To)
	if err != nil {
		return nil, err
	}
	m := &move{
		next:  gitops.Application{Target: o.target(to), Cluster: o.Cluster, ArgoCDNamespace: o.ArgoCDNamespace},
		entry: gitops.Entry{Action: gitops.Promote, From: from},
	}
	source, err := gitops.Load(tree, o.target(from))
	if err != nil {
		return m, err
	}
	if o.Digest != "" && source.Digest() != o.Digest {
		return m, fault.Gatef("%s has %s of %s, not %s", from, source.Digest(), o.App, o.Digest).
			Fix("look at what was deployed to %s since, and promote that", from)
	}
	if err := values.BelongTo(o.target(to)); err != nil {
		return m, err
	}
	if _, err := values.Pin(source.Image); err != nil {
		return m, err
	}
	m.source = &source
	m.next.Release = gitops.Release{Image: source.Image, Chart: source.Chart, Revision: source.Revision, Values: values.Fields}
	if m.sourceContent, err = gitops.Read(tree, source.Path()); err != nil {
		return m, err
	}
	if err := m.prepare(tree, o.Common); err != nil {
		return m, err
	}
	if !o.Again {
		if err := m.takenBack(); err != nil {
			return m, err
		}
	}
	return m, o.asksFor(m, environments)
}

// asksFor finds out how long the source must have been Healthy. Who declared that
// it must be does not find out afterwards that nobody looked.
func (o Options) asksFor(m *move, environments gitops.Environments) error {
	from := m.source.Environment
	m.soak, m.soakBy = time.Duration(environments.Soak[from]), gitops.EnvironmentsPath(o.Project)
	if o.Soak != nil {
		m.soak, m.soakBy = *o.Soak, "--soak"
	}
	if m.soak > 0 && o.ArgoCD == nil && m.changes() {
		return fault.Gatef("%s asks for %s of %s being Healthy, and no cluster is given that tells", m.soakBy, m.soak, from).
			Fix("give --kubeconfig-file or --kubeconfig-env, or go without with --soak 0s")
	}
	return nil
}
