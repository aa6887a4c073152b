package promote

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Forge is where pull requests of the GitOps repository are, as [forge.Client]
// reaches it.
type Forge interface {
	// Find gives the open pull request from branch to target; nil for none.
	Find(ctx context.Context, branch, target string) (*forge.PullRequest, error)
	// Create opens one and tells that it did; one that is open gets the draft's words.
	Create(ctx context.Context, d forge.Draft) (forge.PullRequest, bool, error)
	// Update changes the words of an open one.
	Update(ctx context.Context, number int, title, description string) (forge.PullRequest, error)
}

// PullRequest is the one that a move is offered in.
type PullRequest struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
	Branch string `json:"branch"`
	Opened bool   `json:"opened"` // by this run
}

// proposal is the branch that a move is offered on: there is one for each
// application, environment and way to move.
func (m *move) proposal() string {
	t := m.next.Target
	return fmt.Sprintf("pave/%s/%s/%s/%s", m.entry.Action, t.Project, t.App, t.Environment)
}

// propose offers the move in a pull request: opens it, brings an open one up to
// date, or does nothing where the move was merged.
func (c Common) propose(ctx context.Context, repository *gitrepo.Repository, m *move, r *Result) error {
	if !m.changes() {
		r.Attempts = 1
		return nil
	}
	update, err := repository.Propose(ctx, m.proposal(), m.offer)
	switch {
	case errors.Is(err, gitrepo.ErrRefused):
		return fault.Failedf("%w", err).Fix("allow this account to push branches that begin with pave/")
	case err != nil:
		return err
	}
	r.Commit, r.Changed, r.Attempts = update.Commit, update.Changed, update.Attempts
	if r.Commit == "" {
		return fault.Failedf("%s of %s got that release while it was proposed: nothing was done", m.next.App, m.next.Environment)
	}
	p, opened, err := c.PullRequests.Create(ctx, forge.Draft{
		Branch: m.proposal(), Target: c.Repository.Branch, Title: m.subject(), Description: m.description(*r),
	})
	if err != nil {
		return fmt.Errorf("branch %s has the %s, its pull request is not open: %w", m.proposal(), m.entry.Action, err)
	}
	r.PullRequest = &PullRequest{Number: p.Number, URL: p.URL, Branch: m.proposal(), Opened: opened}
	return nil
}

// offer is the change on the proposal's branch. What is proposed already, and would
// be merged as it is, stays: only its time differs.
func (m *move) offer(base, proposed *gitrepo.Tree) (gitrepo.Change, error) {
	change, err := m.change(base)
	if err != nil || proposed == nil || len(change.Write) == 0 {
		return change, err
	}
	history, err := gitops.LoadHistory(proposed, m.next.Target)
	if err != nil || history.Last() == nil {
		return change, nil // what is damaged there is replaced
	}
	earlier := *m
	earlier.entry.At, earlier.entry.By = history.Last().At, history.Last().By
	if n := len(history.Entries); n > 1 {
		earlier.seen = history.Entries[n-2].Seen
	}
	if change, err = earlier.change(base); err != nil {
		return change, err
	}
	for path, content := range change.Write {
		if there, err := gitops.Read(proposed, path); err != nil || !bytes.Equal(there, content) {
			return m.change(base)
		}
	}
	return gitrepo.Change{}, nil
}

// sayInPullRequest tells those who look at an open pull request that what it
// proposes is refused now, and why.
func (c Common) sayInPullRequest(ctx context.Context, m *move, err error) error {
	if c.PullRequests == nil || c.DryRun || m == nil || fault.KindOf(err) != fault.Gate {
		return err
	}
	open, lookup := c.PullRequests.Find(ctx, m.proposal(), c.Repository.Branch)
	if lookup != nil {
		return fmt.Errorf("%w (and its pull request cannot be looked for: %w)", err, lookup)
	}
	if open == nil {
		return err
	}
	title, description := withWarning(open.Title, open.Description, err)
	if _, failed := c.PullRequests.Update(ctx, open.Number, title, description); failed != nil {
		return fmt.Errorf("%w (and its pull request %s does not say so: %w)", err, open.URL, failed)
	}
	return fmt.Errorf("pull request %s does not stand any more: %w", open.URL, err)
}
