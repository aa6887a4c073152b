package gitops

import (
	"errors"
	"io/fs"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Where lists the places of a project that have a digest, as ENVIRONMENT/APP.
func Where(tree *gitrepo.Tree, project, digest string) ([]string, error) {
	environments, err := folders(tree, "apps/"+project)
	if err != nil {
		return nil, err
	}
	var places []string
	for _, environment := range environments {
		apps, err := folders(tree, projectFolder(project)+environment)
		if err != nil {
			return nil, err
		}
		for _, name := range apps {
			t := Target{project, environment, name}
			content, err := Read(tree, t.Path())
			if err != nil && fault.KindOf(err) != fault.Input {
				return nil, err
			}
			if app, err := Parse(t, content); err == nil && app.Digest() == digest {
				places = append(places, environment+"/"+name)
			}
		}
	}
	return places, nil
}

// folders gives the names in a folder that can be an environment's or an
// application's: files of ours have a dot.
func folders(tree *gitrepo.Tree, path string) ([]string, error) {
	names, err := tree.List(path)
	if errors.Is(err, fs.ErrNotExist) || fault.KindOf(err) == fault.Input { // none, or a file
		return nil, nil
	}
	var labels []string
	for _, name := range names {
		if dnsLabel.MatchString(name) {
			labels = append(labels, name)
		}
	}
	return labels, err
}
