package gitrepo

import (
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/pave-platform/pave/internal/fault"
)

// Change is what one commit does. The zero Change does nothing.
type Change struct {
	Write   map[string][]byte // whole files by path
	Remove  []string          // files; one that is not there is no error
	Message string
}

// edit is the change of one folder: by name, a folder's edit or a file's.
type edit struct {
	folder  map[string]*edit
	content []byte // with a nil folder
	remove  bool   // with a nil folder
}

// edits arranges a change by folder.
func (c Change) edits() (*edit, error) {
	root := &edit{folder: map[string]*edit{}}
	for path, content := range c.Write {
		if err := root.add(path, &edit{content: content}); err != nil {
			return nil, err
		}
	}
	for _, path := range c.Remove {
		if err := root.add(path, &edit{remove: true}); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func (e *edit) add(path string, leaf *edit) error {
	if !fs.ValidPath(path) || path == "." {
		return fault.Inputf("%q is not a path inside a repository", path)
	}
	names := strings.Split(path, "/")
	for i, name := range names {
		if strings.EqualFold(name, ".git") {
			return fault.Inputf("%q is not a path inside a repository", path)
		}
		next := e.folder[name]
		switch last := i == len(names)-1; {
		case last && next == nil:
			e.folder[name] = leaf
			return nil
		case last || next != nil && next.folder == nil:
			return fault.Inputf("the change has %s twice, or as a file and as a folder", path)
		case next == nil:
			next = &edit{folder: map[string]*edit{}}
			e.folder[name] = next
		}
		e = next
	}
	return nil
}

// writer makes Git objects and remembers which, for the push.
type writer struct {
	store *memory.Storage
	made  []plumbing.Hash
}

type encoder interface {
	Encode(plumbing.EncodedObject) error
}

func (w *writer) add(o encoder) (plumbing.Hash, error) {
	m := w.store.NewEncodedObject()
	if err := o.Encode(m); err != nil {
		return plumbing.ZeroHash, err
	}
	return w.save(m)
}

func (w *writer) save(m plumbing.EncodedObject) (plumbing.Hash, error) {
	hash, err := w.store.SetEncodedObject(m)
	w.made = append(w.made, hash)
	return hash, err
}

func (w *writer) blob(content []byte) (plumbing.Hash, error) {
	m := w.store.NewEncodedObject()
	m.SetType(plumbing.BlobObject)
	m.SetSize(int64(len(content)))
	out, err := m.Writer()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if _, err := out.Write(content); err != nil {
		return plumbing.ZeroHash, err
	}
	return w.save(m)
}

// folder applies e to the tree at base (zero for none) and gives the new
// tree's hash: base itself where nothing changes, zero where nothing is left.
func (w *writer) folder(base plumbing.Hash, e *edit) (plumbing.Hash, error) {
	tree := &object.Tree{}
	if !base.IsZero() {
		old, err := object.GetTree(w.store, base)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		tree.Entries = append(tree.Entries, old.Entries...)
	}
	changed := false
	for name, child := range e.folder {
		c, err := w.entry(tree, name, child)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("%s: %w", name, err)
		}
		changed = changed || c
	}
	switch {
	case !changed:
		return base, nil
	case len(tree.Entries) == 0:
		return plumbing.ZeroHash, nil
	}
	sort.Sort(object.TreeEntrySorter(tree.Entries))
	return w.add(tree)
}

// entry changes one name of tree and tells whether that made a difference.
func (w *writer) entry(tree *object.Tree, name string, e *edit) (bool, error) {
	old := entryOf(tree, name)
	now := object.TreeEntry{Name: name, Mode: filemode.Regular}
	var err error
	switch {
	case e.remove:
	case e.folder == nil:
		now.Hash, err = w.blob(e.content)
	default:
		var base plumbing.Hash
		if old != nil && old.Mode != filemode.Dir {
			return false, fault.Inputf("the repository has a file where a folder is needed")
		}
		if old != nil {
			base = old.Hash
		}
		now.Mode = filemode.Dir
		now.Hash, err = w.folder(base, e)
	}
	if err != nil {
		return false, err
	}
	switch {
	case old == nil && now.Hash.IsZero():
		return false, nil
	case old == nil:
		tree.Entries = append(tree.Entries, now)
	case now.Hash.IsZero():
		*old = tree.Entries[len(tree.Entries)-1]
		tree.Entries = tree.Entries[:len(tree.Entries)-1]
	case old.Mode == filemode.Dir && e.folder == nil:
		return false, fault.Inputf("the repository has a folder where a file is needed")
	case old.Hash == now.Hash:
		return false, nil
	default:
		if old.Mode == filemode.Executable {
			now.Mode = old.Mode
		}
		*old = now
	}
	return true, nil
}
