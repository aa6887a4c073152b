package deploy

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// target is one application in one environment of one project.
type target struct{ project, environment, app string }

// dnsLabel is RFC 1123's: no dot, no slash, so no way out of the folder.
var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

const (
	maxLabel   = 63 // Kubernetes: namespaces, and label values such as Argo CD's instance label
	maxRelease = 53 // Helm: release names
)

func (t target) validate() error {
	var errs []error
	for _, name := range []struct {
		what, value string
		max         int
	}{
		{"project", t.project, maxLabel},
		{"environment", t.environment, maxLabel},
		{"application", t.app, maxRelease},
	} {
		if !dnsLabel.MatchString(name.value) || len(name.value) > name.max {
			errs = append(errs, fault.Inputf("%s name %q is not a DNS label of at most %d characters", name.what, name.value, name.max).
				Fix("use lower-case letters, digits and dashes"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if n := t.name(); len(n) > maxLabel {
		return fault.Inputf("project, environment and application make the name %q of %d characters: Kubernetes allows %d", n, len(n), maxLabel).
			Fix("shorten one of them")
	}
	return nil
}

func (t target) path() string {
	return "apps/" + t.project + "/" + t.environment + "/" + t.app + "/application.yaml"
}

// name is the Application's, unique in Argo CD's namespace.
func (t target) name() string { return t.namespace() + "-" + t.app }

func (t target) namespace() string { return t.project + "-" + t.environment }

// free refuses a name that another target of the repository already makes:
// project a-b with environment c, and project a with environment b-c, would
// fight over one Application.
func (t target) free(tree *gitrepo.Tree) error {
	parts := strings.Split(t.name(), "-")
	for i := 1; i < len(parts); i++ {
		for j := i + 1; j < len(parts); j++ {
			other := target{strings.Join(parts[:i], "-"), strings.Join(parts[i:j], "-"), strings.Join(parts[j:], "-")}
			if other == t || other.validate() != nil {
				continue
			}
			switch _, err := tree.Read(other.path()); {
			case err == nil:
				return fault.Inputf("%s would be the second Application with the name %s: %s is the first", t.path(), t.name(), other.path()).
					Fix("choose another name for the project, the environment or the application")
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
		}
	}
	return nil
}
