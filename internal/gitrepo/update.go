package gitrepo

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/pave-platform/pave/internal/fault"
)

// Result is what an update came to.
type Result struct {
	Commit   string // the change's commit, or the branch's newest where nothing changed; empty: an empty repository
	Changed  bool
	Attempts int // how often the branch was read and the change applied
}

// Update applies change to the branch and pushes the commit. When the branch
// moved meanwhile it reads the branch anew, applies change again to what is
// there now, and retries. So change must depend on nothing but the tree that
// it is given. An error of change ends the update and is returned as it is. A
// change that leaves every file as it is makes no commit.
//
// A connection that breaks during a push leaves open whether the commit
// landed. Update then looks, and pushes again only if it did not.
func (r *Repository) Update(ctx context.Context, change func(*Tree) (Change, error)) (Result, error) {
	s := newSnapshot(r)
	var unsure []plumbing.Hash // commits that were pushed and not answered for
	return r.persist(ctx, "update", func() (Result, error) { return r.attempt(ctx, s, &unsure, change) })
}

// persist makes attempts until one is more than a lost race or a passing trouble.
func (r *Repository) persist(ctx context.Context, verb string, try func() (Result, error)) (Result, error) {
	var wait backoff
	begin := time.Now()
	trouble := 0 // attempts in a row that failed for another reason than a race
	for attempt := 1; ; attempt++ {
		start := time.Now()
		done, err := try()
		done.Attempts = attempt
		var again *retryable
		switch {
		case err == nil:
			return done, nil
		case !errors.As(err, &again), ctx.Err() != nil:
			return Result{}, r.explain(ctx, verb, err)
		}
		if trouble++; errors.Is(err, errMoved) {
			trouble = 0
		}
		if attempt == r.attempts || trouble == troubles {
			return Result{}, fault.Failedf("%s %s of %s: gave up after %d attempts: %w", verb, r.branch, r.name, attempt, again.cause).
				Fix("check the server and run it again: what may have landed is found and not repeated")
		}
		if time.Since(begin) > patience {
			r.log.Info("trying again", "repository", r.name, "branch", r.branch, "attempt", attempt+1, "because", again.cause)
		}
		if err := wait.pause(ctx, attempt, time.Since(start)); err != nil {
			return Result{}, r.explain(ctx, verb, err)
		}
	}
}

// attempt is one round of read, change and push.
func (r *Repository) attempt(ctx context.Context, s *snapshot, unsure *[]plumbing.Hash, change func(*Tree) (Change, error)) (Result, error) {
	if err := s.fetch(ctx); err != nil {
		return Result{}, transient(err)
	}
	// In this order: what is not on the branch after the fetch can only land
	// if this attempt's push, which is for the fetched commit, does not.
	if landed, err := r.landed(ctx, *unsure); err != nil {
		return Result{}, transient(err)
	} else if !landed.IsZero() {
		return Result{Commit: landed.String(), Changed: true}, nil
	}
	tree := s.tree(ctx)
	c, err := change(tree)
	if err != nil {
		return Result{}, ofChange(err)
	}
	commit, made, err := r.commit(tree, c)
	if err != nil {
		return Result{}, err
	}
	if commit.IsZero() {
		return Result{Commit: tree.Head()}, nil
	}
	err = r.push(ctx, s, s.head, commit, made)
	if errors.As(err, new(*unanswered)) {
		*unsure = append(*unsure, commit)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{Commit: commit.String(), Changed: true}, nil
}

// commit makes the objects of c, on top of t and after what else is given; a zero
// hash means that nothing changes.
func (r *Repository) commit(t *Tree, c Change, after ...plumbing.Hash) (plumbing.Hash, []plumbing.Hash, error) {
	edits, err := c.edits()
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	root, err := t.root()
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	w := &writer{store: t.snapshot.store}
	now, err := w.folder(root, edits)
	if err != nil || now == root {
		return plumbing.ZeroHash, nil, err
	}
	if now.IsZero() { // the last file is gone: Git has an empty tree for that
		if now, err = w.add(&object.Tree{}); err != nil {
			return plumbing.ZeroHash, nil, err
		}
	}
	by := object.Signature{Name: r.author.Name, Email: r.author.Email, When: r.now()}
	commit := &object.Commit{Author: by, Committer: by, Message: c.Message, TreeHash: now}
	if !t.snapshot.head.IsZero() {
		commit.ParentHashes = []plumbing.Hash{t.snapshot.head}
	}
	commit.ParentHashes = append(commit.ParentHashes, after...)
	hash, err := w.add(commit)
	return hash, w.made, err
}

// landed gives the commit of unsure that is on the branch, if one is.
func (r *Repository) landed(ctx context.Context, unsure []plumbing.Hash) (plumbing.Hash, error) {
	if len(unsure) == 0 {
		return plumbing.ZeroHash, nil
	}
	s := newSnapshot(r) // not the one that the commits were made in
	s.depth = recent
	if err := s.fetch(ctx); err != nil {
		return plumbing.ZeroHash, err
	}
	for _, commit := range unsure {
		if s.store.HasEncodedObject(commit) == nil {
			return commit, nil
		}
	}
	return plumbing.ZeroHash, nil
}

// patience is how long a person waits without word.
const patience = 2 * time.Second

// troubles is how many failures of server or network in a row are borne.
const troubles = 5

// recent is how many commits back an unanswered push is looked for: more than
// land in the seconds between the push and the look.
const recent = 100

// backoff spreads clients out that collided. It waits in the unit of the
// longest attempt so far: when many clients meet, each attempt takes long, and
// that is how long the others need to get out of the way.
type backoff struct{ unit time.Duration }

// pause waits after attempt, which took as long as given.
func (b *backoff) pause(ctx context.Context, attempt int, took time.Duration) error {
	const least, most = 5 * time.Millisecond, 10 * time.Second
	b.unit = min(max(took, b.unit, least), most)
	wait := time.NewTimer(rand.N(b.unit * time.Duration(min(attempt, 2))))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
