package gitops

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Target is one application in one environment of one project, each a DNS
// label.
type Target struct{ Project, Environment, App string }

// dnsLabel is RFC 1123's: no dot, no slash, so no way out of the folder.
var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

const (
	maxLabel   = 63 // Kubernetes: namespaces, and label values such as Argo CD's instance label
	maxRelease = 53 // Helm: release names
)

// Validate refuses names that Kubernetes, Helm or Argo CD would.
func (t Target) Validate() error {
	err := errors.Join(ValidProject(t.Project), validName("environment", t.Environment, maxLabel), ValidApp(t.App))
	if err != nil {
		return err
	}
	if t.Environment == PreviewEnvironment {
		return fault.Inputf("environment %s is for previews of pull requests", t.Environment).Fix("choose another name, or see pave preview")
	}
	if n := t.Name(); len(n) > maxLabel {
		return fault.Inputf("project, environment and application make the name %q of %d characters: Kubernetes allows %d", n, len(n), maxLabel).
			Fix("shorten one of them")
	}
	return nil
}

// ValidProject refuses what cannot be a project's name.
func ValidProject(name string) error { return validName("project", name, maxLabel) }

// ValidApp refuses what cannot be an application's name.
func ValidApp(name string) error { return validName("application", name, maxRelease) }

func validName(what, name string, longest int) error {
	if !dnsLabel.MatchString(name) || len(name) > longest {
		return fault.Inputf("%s name %q is not a DNS label of at most %d characters", what, name, longest).
			Fix("use lower-case letters, digits and dashes")
	}
	return nil
}

// Path is where the Application is in the repository.
func (t Target) Path() string { return t.folder() + "application.yaml" }

// HistoryPath is where the history of what ran there is.
func (t Target) HistoryPath() string { return t.folder() + "history.yaml" }

func (t Target) folder() string { return projectFolder(t.Project) + t.Environment + "/" + t.App + "/" }

func projectFolder(project string) string { return "apps/" + project + "/" }

// Name is the Application's, unique in Argo CD's namespace.
func (t Target) Name() string { return t.Namespace() + "-" + t.App }

// Parent is the name of the Application that generates those of the project and
// environment. No target's own name has a dot.
func (t Target) Parent() string { return Root + "." + t.Project + "." + t.Environment }

// Root is the name of the ApplicationSet that everything comes from.
const Root = "apps"

// Namespace is where the application runs.
func (t Target) Namespace() string { return t.Project + "-" + t.Environment }

// free refuses a name that another target of the repository already makes:
// project a-b with environment c, and project a with environment b-c, would
// fight over one Application.
func (t Target) free(tree *gitrepo.Tree) error {
	parts := strings.Split(t.Name(), "-")
	for i := 1; i < len(parts); i++ {
		for j := i + 1; j < len(parts); j++ {
			other := Target{strings.Join(parts[:i], "-"), strings.Join(parts[i:j], "-"), strings.Join(parts[j:], "-")}
			if other == t || other.Validate() != nil {
				continue
			}
			switch _, err := tree.Read(other.Path()); {
			case err == nil:
				return fault.Inputf("%s would be the second Application with the name %s: %s is the first", t.Path(), t.Name(), other.Path()).
					Fix("choose another name for the project, the environment or the application")
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
		}
	}
	return nil
}
