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
	return o.run(ctx, func(tree *gitrepo.Tree) (*move, error) { return o.decide(tree, values) })
}

func (o Options) validate() error {
	if o.Digest != "" {
		if err := gitops.ValidDigest(o.Digest); err != nil {
			return err
		}
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
	source, err := gitops.Load(tree, o.target(from))
	if err != nil {
		return nil, err
	}
	if o.Digest != "" && source.Digest() != o.Digest {
		return nil, fault.Gatef("%s has %s of %s, not %s", from, source.Digest(), o.App, o.Digest).
			Fix("look at what was deployed to %s since, and promote that", from)
	}
	if err := values.BelongTo(o.target(to)); err != nil {
		return nil, err
	}
	if _, err := values.Pin(source.Image); err != nil {
		return nil, err
	}
	m := &move{
		source: &source,
		next: gitops.Application{
			Target:  o.target(to),
			Release: gitops.Release{Image: source.Image, Chart: source.Chart, Revision: source.Revision, Values: values.Fields},
			Cluster: o.Cluster, ArgoCDNamespace: o.ArgoCDNamespace,
		},
		entry: gitops.Entry{Action: gitops.Promote, From: from},
	}
	return m, m.prepare(tree, o.Common)
}
