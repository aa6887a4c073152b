// Package deploy puts an application into an environment by way of Git: it
// writes apps/PROJECT/ENVIRONMENT/APP/application.yaml, an Argo CD Application
// with one source, the chart pinned by version and the image by digest, and
// pushes the commit.
//
// It promises that an unchanged deploy makes no commit, that deploys running
// at the same time all land, that an edit which somebody made by hand is never
// overwritten unasked, and that a digest which the project rejected is refused.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"

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
}

// Summary says the result in a few lines.
func (r Result) Summary(w io.Writer) {
	switch {
	case r.DryRun && r.Changed:
		fmt.Fprintf(w, "%s\ndry run: nothing was pushed to %s of %s\n", r.Diff, r.Branch, r.Repository)
	case r.Changed:
		fmt.Fprintf(w, "deployed  %s to namespace %s\nimage     %s\ncommit    %s on %s of %s\n",
			r.Application, r.Namespace, r.Image, r.Commit, r.Branch, r.Repository)
	default:
		fmt.Fprintf(w, "unchanged %s in namespace %s\nimage     %s\n", r.Application, r.Namespace, r.Image)
	}
}

// Run deploys. Everything that can be wrong with o is found before the
// repository is contacted.
func Run(ctx context.Context, o Options) (Result, error) {
	p, err := prepare(o)
	if err != nil {
		return Result{}, err
	}
	repository, err := gitrepo.New(o.Repository)
	if err != nil {
		return Result{}, err
	}
	result := p.result(o)
	if o.DryRun {
		err = repository.Read(ctx, func(tree *gitrepo.Tree) error { return p.preview(tree, &result) })
	} else {
		var update gitrepo.Result
		update, err = repository.Update(ctx, p.change)
		result.Commit, result.Changed, result.Attempts = update.Commit, update.Changed, update.Attempts
	}
	if err != nil {
		return Result{}, err
	}
	if o.Output != "" {
		if err := outfile.Write(o.Output, p.content); err != nil {
			return Result{}, fault.Failedf("the deploy is done, its copy is not written: %w", err)
		}
	}
	return result, nil
}

// plan is a deploy that is ready to be applied to any state of the repository.
type plan struct {
	app     gitops.Application
	content []byte // of application.yaml
	force   bool
}

func prepare(o Options) (*plan, error) {
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
		Manifest: string(p.content),
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
