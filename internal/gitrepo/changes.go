package gitrepo

import (
	"context"
	"errors"
	"io/fs"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Changes gives the newest commits of the branch that changed a file, at most most
// of them, newest first. It looks back over a hundred commits and no further: what
// is older is not found.
func (r *Repository) Changes(ctx context.Context, path string, most int) ([]string, error) {
	s := newSnapshot(r)
	s.depth = recent
	if err := s.fetch(ctx); err != nil {
		return nil, r.explain(ctx, "read", err)
	}
	var found []string
	for at := s.head; !at.IsZero() && len(found) < most; {
		commit, err := object.GetCommit(s.store, at)
		if err != nil {
			return nil, r.explain(ctx, "read", err)
		}
		before := plumbing.ZeroHash
		if len(commit.ParentHashes) > 0 {
			before = commit.ParentHashes[0]
		}
		if !before.IsZero() && s.store.HasEncodedObject(before) != nil {
			break // where the clone ends
		}
		same, err := s.alike(ctx, path, at, before)
		if err != nil {
			return nil, r.explain(ctx, "read", ofChange(err))
		}
		if !same {
			found = append(found, at.String())
		}
		at = before
	}
	return found, nil
}

// alike tells whether two commits have the same at path.
func (s *snapshot) alike(ctx context.Context, path string, a, b plumbing.Hash) (bool, error) {
	var hashes [2]plumbing.Hash
	for i, commit := range []plumbing.Hash{a, b} {
		then := &snapshot{repo: s.repo, store: s.store, head: commit, partial: s.partial}
		entry, err := then.tree(ctx).find(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		hashes[i] = entry.Hash
	}
	return hashes[0] == hashes[1], nil
}
