package preview

import (
	"context"
	"fmt"
	"io"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/outfile"
)

// Rendered is an ApplicationSet that nobody has seen yet.
type Rendered struct {
	ApplicationSet string `json:"applicationSet"` // its name
	Path           string `json:"path"`           // in the GitOps repository
	Namespace      string `json:"namespace"`      // that previews run in
	Branches       string `json:"branches"`       // pattern
	URL            string `json:"url,omitempty"`  // with {{.number}} for the pull request's number; empty: they have none
	Manifest       string `json:"manifest"`
	Output         string `json:"output,omitempty"` // file with the manifest
}

// Summary writes the manifest, or where it is.
func (r Rendered) Summary(w io.Writer) {
	if r.Output == "" {
		fmt.Fprint(w, r.Manifest)
		return
	}
	fmt.Fprintf(w, "previews  %s\nfile      %s\n", r.ApplicationSet, r.Output)
}

// RenderOptions say what is rendered, and where to.
type RenderOptions struct {
	Application
	Output string // file; empty: only in the result
}

// Render gives an application's ApplicationSet and changes nothing else.
func Render(_ context.Context, o RenderOptions) (Rendered, error) {
	p, err := o.previews()
	if err != nil {
		return Rendered{}, err
	}
	r, err := rendered(p)
	if err != nil {
		return Rendered{}, err
	}
	if r.Output = o.Output; o.Output != "" {
		err = outfile.Write(o.Output, []byte(r.Manifest))
	}
	return r, err
}

func rendered(p gitops.Previews) (Rendered, error) {
	content, err := p.Render()
	if err != nil {
		return Rendered{}, err
	}
	r := Rendered{
		ApplicationSet: p.Name(), Path: p.Path(), Namespace: gitops.PreviewNamespace(p.Project),
		Branches: gitops.PreviewBranches(p.App), Manifest: string(content),
	}
	if p.Ingress {
		r.URL = "https://" + gitops.PreviewHost(p.App, "{{.number}}", p.Domain)
	}
	return r, nil
}

// EnableOptions say whose previews are enabled, and where.
type EnableOptions struct {
	Application
	Repository gitrepo.Options // the GitOps repository

	Force  bool   // overwrite what somebody edited by hand
	DryRun bool   // show the difference, push nothing
	Output string // file for a copy of applicationset.yaml; may be empty
}

// Enabled is what enabling or disabling previews came to.
type Enabled struct {
	Rendered
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	Commit     string `json:"commit"`  // the change's, or the branch's newest where nothing changed
	Changed    bool   `json:"changed"` // in a dry run: whether anything would change
	DryRun     bool   `json:"dryRun,omitempty"`
	Attempts   int    `json:"attempts"`
	Diff       string `json:"diff,omitempty"` // unified; of a dry run only
}

// Summary says the result in a few lines.
func (e Enabled) Summary(w io.Writer) {
	state := "enabled "
	if e.Manifest == "" {
		state = "disabled"
	}
	switch {
	case e.DryRun && e.Changed:
		fmt.Fprintf(w, "%s\ndry run: nothing was pushed to %s of %s\n", e.Diff, e.Branch, e.Repository)
	case !e.Changed:
		fmt.Fprintf(w, "unchanged  previews %s\n", e.ApplicationSet)
	default:
		fmt.Fprintf(w, "%s   previews %s\ncommit     %s on %s of %s\n", state, e.ApplicationSet, e.Commit, e.Branch, e.Repository)
	}
	if e.Manifest != "" {
		fmt.Fprintf(w, "branches   %s\nnamespace  %s\n", e.Branches, e.Namespace)
	}
	if e.URL != "" {
		fmt.Fprintf(w, "address    %s\n", e.URL)
	}
}

// Enable commits an application's ApplicationSet. Pull requests whose preview has
// expired stay without one.
func Enable(ctx context.Context, o EnableOptions) (Enabled, error) {
	p, err := o.previews()
	if err != nil {
		return Enabled{}, err
	}
	r, err := rendered(p)
	if err != nil {
		return Enabled{}, err
	}
	c := change{
		path: p.Path(), force: o.Force, message: message(p.Project, p.App, "enable"),
		next: func(old []byte) ([]byte, error) {
			left, err := expired(p.Path(), old, o.Force)
			if err != nil {
				return nil, err
			}
			p.Expired = left
			return p.Render()
		},
	}
	e, err := c.push(ctx, o.Repository, o.DryRun)
	if err != nil {
		return Enabled{}, err
	}
	e.Rendered = r
	e.Manifest = string(c.last)
	if e.Output = o.Output; o.Output != "" {
		if err := outfile.Write(o.Output, c.last); err != nil {
			return Enabled{}, fault.Failedf("the previews are enabled, the copy is not written: %w", err)
		}
	}
	return e, nil
}

// expired reads which previews a file leaves out; none of one that is not there, or
// that is overwritten by force and cannot be read.
func expired(path string, old []byte, force bool) ([]int, error) {
	if old == nil {
		return nil, nil
	}
	numbers, err := gitops.Expired(old)
	if err != nil && !force {
		return nil, fault.Failedf("%s in the repository is damaged: %w", path, err).Fix("revert the commit that damaged it, or overwrite it with --force")
	}
	return numbers, nil
}

// DisableOptions say whose previews are disabled.
type DisableOptions struct {
	Project, App string
	Repository   gitrepo.Options

	Force  bool // remove the file though somebody edited it by hand
	DryRun bool
}

// Disable removes an application's ApplicationSet. Argo CD removes the previews
// with it.
func Disable(ctx context.Context, o DisableOptions) (Enabled, error) {
	if err := (Of{Project: o.Project, App: o.App}).validate(); err != nil {
		return Enabled{}, err
	}
	c := change{
		path: gitops.PreviewPath(o.Project, o.App), force: o.Force, message: message(o.Project, o.App, "disable"),
		next: func([]byte) ([]byte, error) { return nil, nil },
	}
	e, err := c.push(ctx, o.Repository, o.DryRun)
	e.ApplicationSet, e.Path = gitops.Previews{Project: o.Project, App: o.App}.Name(), c.path
	return e, err
}

func message(project, app, what string) string {
	return gitops.Message(fmt.Sprintf("preview(%s/%s): %s", project, app, what))
}

// change is what becomes of one file of the GitOps repository.
type change struct {
	path    string
	force   bool
	message string
	next    func(old []byte) ([]byte, error) // nil: there shall be none
	last    []byte                           // of next
}

// push makes the change, or only looks what it would be.
func (c *change) push(ctx context.Context, at gitrepo.Options, dry bool) (Enabled, error) {
	e := Enabled{Repository: at.URL, Branch: at.Branch, DryRun: dry}
	repository, err := gitrepo.New(at)
	if err != nil {
		return Enabled{}, err
	}
	if dry {
		err = repository.Read(ctx, func(tree *gitrepo.Tree) error {
			old, err := c.apply(tree)
			e.Commit, e.Attempts, e.Changed = tree.Head(), 1, string(old) != string(c.last)
			e.Diff = gitops.Diff(c.path, old, c.last)
			return err
		})
		return e, err
	}
	update, err := repository.Update(ctx, func(tree *gitrepo.Tree) (gitrepo.Change, error) {
		old, err := c.apply(tree)
		switch {
		case err != nil:
			return gitrepo.Change{}, err
		case c.last != nil:
			return gitrepo.Change{Write: map[string][]byte{c.path: c.last}, Message: c.message}, nil
		case old != nil:
			return gitrepo.Change{Remove: []string{c.path}, Message: c.message}, nil
		}
		return gitrepo.Change{Message: c.message}, nil
	})
	e.Commit, e.Changed, e.Attempts = update.Commit, update.Changed, update.Attempts
	return e, err
}

// apply finds the file as it is, and what it shall be.
func (c *change) apply(tree *gitrepo.Tree) ([]byte, error) {
	old, err := gitops.Read(tree, c.path)
	if err != nil {
		return nil, err
	}
	if c.last, err = c.next(old); err != nil {
		return nil, err
	}
	return old, gitops.MayReplace(c.path, old, c.last, c.force)
}
