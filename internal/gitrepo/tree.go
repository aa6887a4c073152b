package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/pave-platform/pave/internal/fault"
)

// Tree is the files of a branch at one commit. It is valid inside the function
// that it is given to.
type Tree struct {
	ctx      context.Context // of the call that the tree is given in: Read may ask the server
	snapshot *snapshot
}

// Head is the commit that the tree is of; empty for an empty repository.
func (t *Tree) Head() string {
	if t.snapshot.head.IsZero() {
		return ""
	}
	return t.snapshot.head.String()
}

// Read gives a file's content. Paths have slashes and are relative to the
// root. A missing file is fs.ErrNotExist; a folder or a symbolic link in the
// file's place is an input error.
func (t *Tree) Read(path string) ([]byte, error) {
	entry, err := t.find(path)
	if err != nil {
		return nil, err
	}
	if !entry.Mode.IsFile() || entry.Mode == filemode.Symlink {
		return nil, fault.Inputf("%s in the repository is not a regular file", path)
	}
	content, err := t.snapshot.blob(t.ctx, entry.Hash)
	if err != nil {
		return nil, &reading{err}
	}
	return content, nil
}

// List gives the names in a folder, sorted as Git does; a missing folder is
// fs.ErrNotExist.
func (t *Tree) List(folder string) ([]string, error) {
	entry, err := t.find(folder)
	if err != nil {
		return nil, err
	}
	if entry.Mode != filemode.Dir {
		return nil, fault.Inputf("%s in the repository is not a folder", folder)
	}
	tree, err := object.GetTree(t.snapshot.store, entry.Hash)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range tree.Entries {
		names = append(names, e.Name)
	}
	return names, nil
}

// find walks to path's entry.
func (t *Tree) find(path string) (object.TreeEntry, error) {
	if !fs.ValidPath(path) {
		return object.TreeEntry{}, fault.Inputf("%q is not a path inside a repository", path)
	}
	root, err := t.root()
	if err != nil {
		return object.TreeEntry{}, err
	}
	at := object.TreeEntry{Mode: filemode.Dir, Hash: root}
	if path == "." {
		return at, nil
	}
	missing := fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	for name := range strings.SplitSeq(path, "/") {
		if at.Mode != filemode.Dir {
			return object.TreeEntry{}, fault.Inputf("%s in the repository leads through %s, which is not a folder", path, at.Name)
		}
		if at.Hash.IsZero() {
			return object.TreeEntry{}, missing
		}
		tree, err := object.GetTree(t.snapshot.store, at.Hash)
		if err != nil {
			return object.TreeEntry{}, err
		}
		entry := entryOf(tree, name)
		if entry == nil {
			return object.TreeEntry{}, missing
		}
		at = *entry
	}
	return at, nil
}

// root is the hash of the root folder; zero for an empty repository.
func (t *Tree) root() (plumbing.Hash, error) {
	if t.snapshot.head.IsZero() {
		return plumbing.ZeroHash, nil
	}
	commit, err := object.GetCommit(t.snapshot.store, t.snapshot.head)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return plumbing.ZeroHash, fmt.Errorf("the server did not send commit %s", t.snapshot.head)
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return commit.TreeHash, nil
}

func entryOf(tree *object.Tree, name string) *object.TreeEntry {
	for i := range tree.Entries {
		if tree.Entries[i].Name == name {
			return &tree.Entries[i]
		}
	}
	return nil
}
