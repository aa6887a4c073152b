package gitrepo

import (
	"context"
	"errors"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/pave-platform/pave/internal/fault"
)

// Propose puts change on another branch, as one commit on top of the repository's
// branch, for people to look at and to merge. That branch belongs to proposals: a
// newer one takes the place of what is on it, unless its newest commit is by another
// author than the repository's. It does so as a merge that takes nothing over, so
// that no server has to allow a push that rewrites history.
//
// change is given the repository's branch, and what is proposed so far, nil for
// nothing. A zero Change leaves the proposal as it is, and so do an error, which is
// returned as it is, and a change that leaves every file of the repository's branch
// as it is. Result.Commit is then the commit that the proposal has, or empty.
func (r *Repository) Propose(ctx context.Context, branch string, change func(base, proposed *Tree) (Change, error)) (Result, error) {
	if err := validBranch(branch); err != nil {
		return Result{}, err
	}
	if branch == r.branch {
		return Result{}, fault.Inputf("a proposal for branch %s cannot be on that branch", branch)
	}
	side := *r
	side.branch = branch
	p := &proposal{base: newSnapshot(r), side: newSnapshot(&side)}
	p.side.absent = true
	return side.persist(ctx, "propose", func() (Result, error) { return p.attempt(ctx, change) })
}

// proposal is a change of the branch base that is offered on the branch side.
type proposal struct {
	base, side *snapshot
	unsure     []plumbing.Hash // commits that were pushed and not answered for
}

func (p *proposal) attempt(ctx context.Context, change func(base, proposed *Tree) (Change, error)) (Result, error) {
	for _, s := range []*snapshot{p.base, p.side} {
		if err := s.fetch(ctx); err != nil {
			return Result{}, transient(err)
		}
	}
	if slices.Contains(p.unsure, p.side.head) {
		return Result{Commit: p.side.head.String(), Changed: true}, nil
	}
	base := p.base.tree(ctx)
	proposed := p.side.tree(ctx)
	if p.side.head.IsZero() {
		proposed = nil
	}
	c, err := change(base, proposed)
	if err != nil {
		return Result{}, ofChange(err)
	}
	var after []plumbing.Hash
	if proposed != nil {
		after = append(after, p.side.head)
	}
	commit, made, err := p.base.repo.commit(base, c, after...)
	if err != nil {
		return Result{}, err
	}
	if commit.IsZero() {
		return Result{Commit: p.side.tree(ctx).Head()}, nil
	}
	if err := p.ours(); err != nil {
		return Result{}, err
	}
	err = p.side.repo.push(ctx, p.base, p.side.head, commit, made)
	if errors.As(err, new(*unanswered)) {
		p.unsure = append(p.unsure, commit)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{Commit: commit.String(), Changed: true}, nil
}

// ours refuses to replace what somebody else put on the proposal's branch.
func (p *proposal) ours() error {
	if p.side.head.IsZero() {
		return nil
	}
	tip, err := object.GetCommit(p.side.store, p.side.head)
	if err != nil {
		return err
	}
	if r := p.side.repo; tip.Author.Email != r.author.Email {
		return fault.Failedf("the newest commit on %s is by %s, not by %s", r.branch, printable(tip.Author.String()), r.author.Email).
			Fix("merge or close its pull request and delete the branch, or give that author with --author-email")
	}
	return nil
}
