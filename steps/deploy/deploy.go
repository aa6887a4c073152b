// Package deploy puts an application into an environment by way of Git: it
// writes apps/PROJECT/ENVIRONMENT/APP/application.yaml, an Argo CD Application
// with one source, the chart pinned by version and the image by digest, and
// pushes the commit. Where a platform has no such repository, it applies the
// Application to the cluster. It can wait until that is Synced and Healthy.
//
// It promises that an unchanged deploy makes no commit, that deploys running
// at the same time all land, that an edit which somebody made by hand is never
// overwritten unasked, that a digest which the project rejected is refused, and
// that one that was killed is finished by running it again.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/outfile"
)

// Result is what a deploy came to.
type Result struct {
	Repository  string `json:"repository"`
	Branch      string `json:"branch"`
	Path        string `json:"path"`        // in the repository
	Application string `json:"application"` // the Application's name in Argo CD
	Namespace   string `json:"namespace"`   // that the application runs in
	Image       string `json:"image"`       // pinned by digest
	Chart       string `json:"chart"`       // repository/name:version
	Commit      string `json:"commit"`      // the deploy's, or the branch's newest where nothing changed
	Changed     bool   `json:"changed"`     // in a dry run: whether a deploy would change anything
	DryRun      bool   `json:"dryRun,omitempty"`
	Attempts    int    `json:"attempts"`
	Diff        string `json:"diff,omitempty"` // unified; of a dry run only
	Manifest    string `json:"manifest"`       // the Argo CD Application as YAML

	Applied bool `json:"applied,omitempty"` // to the cluster, without a repository

	// Of a deploy that waited; all are of the end of the waiting.
	Sync          string           `json:"sync,omitempty"`   // Synced, OutOfSync, Unknown
	Health        string           `json:"health,omitempty"` // Healthy, Progressing, Degraded, …
	WaitedSeconds float64          `json:"waitedSeconds,omitempty"`
	Problems      []argocd.Problem `json:"problems,omitempty"`
}

// Summary says the result in a few lines.
func (r Result) Summary(w io.Writer) {
	where := r.Branch + " of " + r.Repository
	if r.Applied {
		where = "the cluster"
	}
	switch {
	case r.DryRun && r.Changed:
		fmt.Fprintf(w, "%s\ndry run: nothing was changed on %s\n", r.Diff, where)
	case r.Applied && r.Changed:
		fmt.Fprintf(w, "applied   %s for namespace %s\nimage     %s\n", r.Application, r.Namespace, r.Image)
	case r.Changed:
		fmt.Fprintf(w, "deployed  %s to namespace %s\nimage     %s\ncommit    %s on %s\n", r.Application, r.Namespace, r.Image, r.Commit, where)
	default:
		fmt.Fprintf(w, "unchanged %s in namespace %s\nimage     %s\n", r.Application, r.Namespace, r.Image)
	}
	if r.Health != "" || r.Sync != "" {
		fmt.Fprintf(w, "state     %s and %s after %.0f s\n", r.Sync, r.Health, r.WaitedSeconds)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "problem   %s\n", p)
	}
}

// Run deploys. Everything that can be wrong with o is found before the
// repository is contacted. A deploy that is done and did not become Healthy gives
// its result beside the error.
func Run(ctx context.Context, o Options) (Result, error) {
	p, err := prepare(o)
	if err != nil {
		return Result{}, err
	}
	d := &deployment{plan: p, options: o, result: p.result(o)}
	if err := d.connect(ctx); err != nil {
		return Result{}, err
	}
	if err := d.put(ctx); err != nil {
		return Result{}, err
	}
	if o.Output != "" {
		if err := outfile.Write(o.Output, p.content); err != nil {
			return Result{}, fault.Failedf("the deploy is done, its copy is not written: %w", err)
		}
	}
	if !o.Wait || o.DryRun {
		return d.result, nil
	}
	err = d.wait(ctx)
	return d.result, err
}

// plan is a deploy that is ready to be applied to any state of the repository.
type plan struct {
	app     gitops.Application
	content []byte // of application.yaml
	force   bool
}

func prepare(o Options) (*plan, error) {
	if o.Apply && o.Repository.URL != "" {
		return nil, fault.Inputf("a deploy goes to a repository or to the cluster, not both").Fix("give --repository or --apply")
	}
	if o.Timeout < 0 {
		return nil, fault.Inputf("timeout %s", o.Timeout).Fix("give it as in 10m")
	}
	t := gitops.Target{Project: o.Project, Environment: o.Environment, App: o.App}
	if err := errors.Join(t.Validate(), o.Chart.Validate(), gitops.ValidRevision(o.Revision)); err != nil {
		return nil, err
	}
	values, err := gitops.ReadValues(o.ValuesFile)
	if err != nil {
		return nil, err
	}
	if err := values.BelongTo(t); err != nil {
		return nil, err
	}
	image, err := values.Pin(o.Image)
	if err != nil {
		return nil, err
	}
	app := gitops.Application{
		Target:  t,
		Release: gitops.Release{Image: image.Name(), Chart: o.Chart, Revision: o.Revision, Values: values.Fields},
		Cluster: o.Cluster, ArgoCDNamespace: o.ArgoCDNamespace,
	}
	content, err := app.Render()
	if err != nil {
		return nil, err
	}
	return &plan{app: app, content: content, force: o.Force}, nil
}

func (p *plan) result(o Options) Result {
	return Result{
		Repository: o.Repository.URL, Branch: o.Repository.Branch, Path: p.app.Path(), DryRun: o.DryRun,
		Application: p.app.Name(), Namespace: p.app.Namespace(), Image: p.app.Image, Chart: p.app.Chart.String(),
		Manifest: string(p.content), Applied: o.Apply,
	}
}

// change is what the deploy does to the repository as it is in tree.
func (p *plan) change(tree *gitrepo.Tree) (gitrepo.Change, error) {
	if _, err := p.present(tree); err != nil {
		return gitrepo.Change{}, err
	}
	return gitrepo.Change{Write: map[string][]byte{p.app.Path(): p.content}, Message: p.message()}, nil
}

// message is the commit's: a conventional subject, and trailers for programs.
func (p *plan) message() string {
	subject := fmt.Sprintf("deploy(%s/%s): %s %s", p.app.Project, p.app.Environment, p.app.App, gitops.Short(p.app.Digest()))
	return gitops.Message(subject, p.app.Release.Trailers()...)
}

// preview fills in what change would do.
func (p *plan) preview(tree *gitrepo.Tree, r *Result) error {
	old, err := p.present(tree)
	if err != nil {
		return err
	}
	r.Commit, r.Attempts, r.Changed = tree.Head(), 1, string(old) != string(p.content)
	r.Diff = gitops.Diff(p.app.Path(), old, p.content)
	return nil
}

// present gives the file as it is in the repository, nil if there is none, and
// refuses what must not run, and where the deploy would destroy somebody's work.
func (p *plan) present(tree *gitrepo.Tree) ([]byte, error) {
	if err := gitops.RefuseRejected(tree, p.app.Project, p.app.Digest()); err != nil {
		return nil, err
	}
	return gitops.Present(tree, p.app.Target, p.content, p.force)
}
