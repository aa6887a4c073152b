package promote

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/outfile"
)

// decision finds out what is to be done. With an error, it gives the move as far as
// it came, nil where it is not even known what environment it is about.
type decision func(*gitrepo.Tree) (*move, error)

// run decides, verifies, looks at the cluster, and carries out: as a commit, which
// it follows where that is asked for, or as a pull request.
func (c Common) run(ctx context.Context, decide decision) (Result, error) {
	repository, err := gitrepo.New(c.Repository)
	if err != nil {
		return Result{}, err
	}
	m, result, err := c.prepare(ctx, repository, decide)
	if err != nil {
		return Result{}, c.sayInPullRequest(ctx, m, err)
	}
	switch {
	case c.DryRun:
		result.Attempts, result.Changed = 1, m.changes()
	case c.PullRequests != nil:
		err = c.propose(ctx, repository, m, &result)
	default:
		err = c.commit(ctx, repository, m, &result)
	}
	if err != nil {
		return Result{}, err
	}
	if c.Output != "" {
		if err := outfile.Write(c.Output, m.content); err != nil {
			return Result{}, fault.Failedf("the %s is done, its copy is not written: %w", m.entry.Action, err)
		}
	}
	if c.Wait && !c.DryRun {
		return result, c.follow(ctx, repository, m, &result)
	}
	return result, nil
}

// prepare is everything before the repository changes.
func (c Common) prepare(ctx context.Context, repository *gitrepo.Repository, decide decision) (*move, Result, error) {
	var m *move
	var head string
	err := repository.Read(ctx, func(tree *gitrepo.Tree) (err error) {
		head = tree.Head()
		m, err = decide(tree)
		return err
	})
	if err != nil {
		return m, Result{}, err
	}
	result := m.result(c)
	result.Commit = head
	if result.Verified, err = c.Verify(ctx, m.next.Image, m.next.Revision); err != nil {
		return m, Result{}, err
	}
	if m.changes() {
		if m.source != nil && c.ArgoCD != nil {
			if result.Soak, err = m.soaked(ctx, c.ArgoCD); err != nil {
				return m, Result{}, err
			}
		}
		if err := m.undisturbed(ctx, c); err != nil {
			return m, Result{}, err
		}
		c.log("about to "+string(m.entry.Action)+": "+strings.Join(say(result.Changes), "; "), m)
	}
	if c.DryRun || c.PullRequests != nil {
		result.Diff = gitops.Diff(m.next.Path(), m.before, m.content)
	}
	return m, result, nil
}

func (c Common) commit(ctx context.Context, repository *gitrepo.Repository, m *move, r *Result) error {
	if c.Wait && m.changes() {
		switch now, err := c.ArgoCD.Now(ctx); {
		case err == nil:
			m.entry.Until = now.Add(c.timeout() + c.Steady).UTC()
		case m.entry.Action != gitops.Rollback:
			return err
		}
	}
	update, err := repository.Update(ctx, func(tree *gitrepo.Tree) (gitrepo.Change, error) {
		if err := c.stillThere(ctx, m); err != nil {
			return gitrepo.Change{}, err
		}
		return m.change(tree)
	})
	switch {
	case errors.Is(err, gitrepo.ErrRefused):
		return fault.Failedf("%w", err).Fix("if people have to merge what goes there, open a pull request with --pull-request")
	case err != nil:
		return err
	}
	r.Commit, r.Changed, r.Attempts = update.Commit, update.Changed, update.Attempts
	return nil
}

// stillThere looks once more for the image, right before the push: what was verified
// may have been deleted since.
func (c Common) stillThere(ctx context.Context, m *move) error {
	if c.Present == nil || !m.changes() {
		return nil
	}
	there, err := c.Present(ctx, m.next.Image)
	if err != nil || there {
		return err
	}
	return fault.Failedf("%s was deleted from its registry after it was verified: nothing was done", m.next.Image).
		Fix("publish it again, or promote another; look at the registry's retention rules")
}

// log says progress to a person.
func (c Common) log(message string, m *move, more ...any) {
	if c.Repository.Log != nil {
		c.Repository.Log.Info(message, append([]any{"app", m.next.App, "environment", m.next.Environment}, more...)...)
	}
}

// Difference is one thing that a move changes in an environment.
type Difference struct {
	What   string `json:"what"`             // image, chart, source, values
	Before string `json:"before,omitempty"` // empty: nothing was there
	After  string `json:"after"`            // of values: the paths of those that change
}

// differences is the short form of a move for people, who have the whole in a diff.
func (m *move) differences() []Difference {
	var was gitops.Release
	if m.running != nil {
		was = m.running.Release
	}
	chart := ""
	if m.running != nil {
		chart = was.Chart.String()
	}
	all := []Difference{
		{"image", was.Image, m.next.Image},
		{"chart", chart, m.next.Chart.String()},
		{"source", was.Revision, m.next.Revision},
	}
	var changed []Difference
	for _, d := range all {
		if d.Before != d.After {
			changed = append(changed, d)
		}
	}
	var paths []string
	for _, path := range gitops.Differing(was.Values, m.next.Values) {
		if path != "image" && !strings.HasPrefix(path, "image.") {
			paths = append(paths, path)
		}
	}
	if m.running != nil && len(paths) > 0 {
		changed = append(changed, Difference{What: "values", After: strings.Join(paths, ", ")})
	}
	return changed
}

// say gives each difference in a few words.
func say(differences []Difference) []string {
	var words []string
	for _, d := range differences {
		switch {
		case d.Before == "":
			words = append(words, d.What+" "+d.After)
		case d.What == "image" || d.What == "source":
			words = append(words, fmt.Sprintf("%s %s → %s", d.What, brief(d.Before), brief(d.After)))
		default:
			words = append(words, fmt.Sprintf("%s %s → %s", d.What, d.Before, d.After))
		}
	}
	return words
}

// brief shortens an image or a commit to what people tell them apart by.
func brief(text string) string {
	if _, digest, ok := strings.Cut(text, "@"); ok {
		text = digest
	}
	if text == "" {
		return "none"
	}
	return gitops.Short(text)
}
