package deploy

import (
	"context"
	"errors"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// deployment is a plan on its way.
type deployment struct {
	*plan
	options    Options
	repository *gitrepo.Repository // nil with Apply
	cluster    *argocd.Client      // nil where nobody asks for it
	result     Result
}

// connect finds out that what is needed later can be reached: a deploy whose
// cluster is not there pushes nothing.
func (d *deployment) connect(ctx context.Context) error {
	var err error
	if !d.options.Apply {
		if d.repository, err = gitrepo.New(d.options.Repository); err != nil {
			return err
		}
	}
	if !d.options.Apply && (!d.options.Wait || d.options.DryRun) {
		return nil
	}
	access := d.options.ArgoCD
	access.Namespace = d.options.ArgoCDNamespace
	if d.cluster, err = argocd.New(access); err != nil {
		return err
	}
	if _, err := d.cluster.State(ctx, d.app.Name()); err != nil && !errors.Is(err, argocd.ErrMissing) {
		return err
	}
	return nil
}

// put makes the deploy, or in a dry run says what it would do.
func (d *deployment) put(ctx context.Context) error {
	switch {
	case d.options.Apply:
		applied, err := d.cluster.Apply(ctx, d.content, argocd.ApplyOptions{Force: d.force, DryRun: d.options.DryRun})
		d.result.Changed = applied.Changed
		if d.options.DryRun {
			d.result.Diff = applied.Diff
		}
		return err
	case d.options.DryRun:
		return d.repository.Read(ctx, func(tree *gitrepo.Tree) error { return d.preview(tree, &d.result) })
	}
	update, err := d.repository.Update(ctx, d.change)
	d.result.Commit, d.result.Changed, d.result.Attempts = update.Commit, update.Changed, update.Attempts
	return err
}

// wait follows the Application until it has what was deployed and is well.
func (d *deployment) wait(ctx context.Context) error {
	want := argocd.WantOf(d.app.Target, d.content)
	want.Timeout = d.options.Timeout
	if d.options.Apply {
		want.Parent = "" // nothing generates it
	}
	outcome, err := d.cluster.Follow(ctx, want)
	d.result.Sync, d.result.Health, d.result.Problems = outcome.State.Sync, outcome.State.Health, outcome.Problems
	d.result.WaitedSeconds = outcome.Waited.Seconds()
	if err != nil {
		return d.replaced(ctx, err)
	}
	return nil
}

// replaced tells a release that another deploy took the place of from one that is
// not well.
func (d *deployment) replaced(ctx context.Context, err error) error {
	if d.options.Apply || ctx.Err() != nil || !errors.As(err, new(*argocd.Failure)) {
		return err
	}
	var now []byte
	read := d.repository.Read(ctx, func(tree *gitrepo.Tree) error {
		var err error
		now, err = tree.Read(d.app.Path())
		return err
	})
	if read == nil && string(now) != string(d.content) {
		return fault.Failedf("%s was deployed, and replaced before it was seen Healthy: %s has another release now", d.app.Name(), d.app.Path()).
			Fix("look at the newest commit of that file, and wait for that release")
	}
	return err
}
