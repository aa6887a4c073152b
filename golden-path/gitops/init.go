package gitops

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	layout "github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/outfile"
)

// Result is what a set-up came to.
type Result struct {
	Repository string   `json:"repository"`
	Branch     string   `json:"branch,omitempty"`
	Files      []string `json:"files"`  // paths, sorted
	Commit     string   `json:"commit"` // the set-up's, or the branch's newest where nothing changed
	Changed    bool     `json:"changed"`
	DryRun     bool     `json:"dryRun,omitempty"`
	Diff       string   `json:"diff,omitempty"`   // unified; of a dry run only
	Output     string   `json:"output,omitempty"` // folder that the files are in
}

// Summary says the result in a few lines.
func (r Result) Summary(w io.Writer) {
	switch {
	case r.DryRun && r.Changed:
		fmt.Fprintf(w, "%s\ndry run: nothing was pushed to %s of %s\n", r.Diff, r.Branch, r.Repository)
	case r.Commit == "":
		fmt.Fprintf(w, "rendered  %d files in %s\n", len(r.Files), r.Output)
	case r.Changed:
		fmt.Fprintf(w, "set up    %d files on %s of %s\ncommit    %s\n", len(r.Files), r.Branch, r.Repository, r.Commit)
	default:
		fmt.Fprintf(w, "unchanged %d files on %s of %s\n", len(r.Files), r.Branch, r.Repository)
	}
	if !r.DryRun {
		fmt.Fprintln(w, "once:     kubectl apply -f platform/appproject-platform.yaml -f platform/platform.yaml")
	}
}

// Write renders the files into a folder.
func Write(o Options, output string) (Result, error) {
	files, err := Render(o)
	if err != nil {
		return Result{}, err
	}
	for path, content := range files {
		if err := outfile.Write(filepath.Join(output, filepath.FromSlash(path)), content); err != nil {
			return Result{}, err
		}
	}
	return Result{Repository: o.RepositoryURL, Files: slices.Sorted(maps.Keys(files)), Changed: true, Output: output}, nil
}

// InitOptions say how the files get into the repository.
type InitOptions struct {
	Options
	Repository gitrepo.Options // the GitOps repository, as this program reaches it
	Force      bool            // overwrite what somebody edited by hand
	DryRun     bool            // show the difference, push nothing
}

// Init commits the files. The same again makes no commit; projects that are there
// and not named stay as they are.
func Init(ctx context.Context, o InitOptions) (Result, error) {
	if o.RepositoryURL == "" {
		o.RepositoryURL = o.Repository.URL
	}
	if o.Branch == "" {
		o.Branch = o.Repository.Branch
	}
	files, err := Render(o.Options)
	if err != nil {
		return Result{}, err
	}
	repository, err := gitrepo.New(o.Repository)
	if err != nil {
		return Result{}, err
	}
	s := &setup{o, files}
	result := Result{
		Repository: o.Repository.URL, Branch: o.Repository.Branch, DryRun: o.DryRun,
		Files: slices.Sorted(maps.Keys(files)),
	}
	if o.DryRun {
		err = repository.Read(ctx, func(tree *gitrepo.Tree) error { return s.preview(tree, &result) })
		return result, err
	}
	update, err := repository.Update(ctx, s.change)
	result.Commit, result.Changed = update.Commit, update.Changed
	return result, err
}

// setup are files on their way into the repository.
type setup struct {
	InitOptions
	files map[string][]byte
}

// change is what the set-up does to the repository as it is in tree.
func (s *setup) change(tree *gitrepo.Tree) (gitrepo.Change, error) {
	write, err := s.missing(tree)
	if err != nil {
		return gitrepo.Change{}, err
	}
	for path, content := range s.files {
		if _, err := layout.PresentFile(tree, path, content, s.Force); err != nil {
			return gitrepo.Change{}, err
		}
		write[path] = content
	}
	return gitrepo.Change{Write: write, Message: layout.Message("chore(platform): what Argo CD follows this repository by")}, nil
}

// missing gives the declaration of each project's environments that has others
// than the platform's default and none yet. It is people's from then on.
func (s *setup) missing(tree *gitrepo.Tree) (map[string][]byte, error) {
	write := map[string][]byte{}
	for _, p := range s.Projects {
		if len(p.Environments) == 0 || slices.Equal(p.Environments, layout.DefaultEnvironments()) {
			continue
		}
		path := layout.EnvironmentsPath(p.Name)
		present, err := layout.Read(tree, path)
		if err != nil {
			return nil, err
		}
		if present == nil {
			write[path] = []byte("# +argocd:skip-file-rendering\n# In the order that a release takes.\nenvironments: [" + strings.Join(p.Environments, ", ") + "]\n")
			continue
		}
		declared, err := layout.LoadEnvironments(tree, p.Name)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(declared.Order, p.Environments) {
			return nil, fault.Inputf("%s has other environments (%s) than are given for project %s (%s)",
				path, strings.Join(declared.Order, ", "), p.Name, strings.Join(p.Environments, ", ")).Fix("make them the same")
		}
	}
	return write, nil
}

// preview fills in what change would do.
func (s *setup) preview(tree *gitrepo.Tree, r *Result) error {
	change, err := s.change(tree)
	if err != nil {
		return err
	}
	r.Commit = tree.Head()
	for _, path := range slices.Sorted(maps.Keys(change.Write)) {
		old, err := layout.Read(tree, path)
		if err != nil {
			return err
		}
		r.Diff += layout.Diff(path, old, change.Write[path])
		r.Changed = r.Changed || !bytes.Equal(old, change.Write[path])
	}
	return nil
}
