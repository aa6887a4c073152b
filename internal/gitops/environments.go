package gitops

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Environments are a project's, in the order that a release takes. People write
// them to apps/PROJECT/environments.yaml.
type Environments struct {
	Order    []string `json:"environments"`
	Optional []string `json:"optional"` // may be skipped by a promotion that names its target

	// Soak is how long a release must have been Healthy in an environment before it
	// goes on from there, by environment; one that is not named asks for nothing.
	Soak map[string]Duration `json:"soak"`

	path string // for messages; empty: the platform's default
}

// EnvironmentsPath is where a project declares its environments.
func EnvironmentsPath(project string) string { return projectFolder(project) + "environments.yaml" }

// LoadEnvironments reads a project's, or gives the platform's default: staging,
// then production.
func LoadEnvironments(tree *gitrepo.Tree, project string) (Environments, error) {
	e := Environments{path: EnvironmentsPath(project)}
	switch declared, err := load(tree, e.path, &e); {
	case err != nil:
		return Environments{}, err
	case !declared:
		return Environments{Order: DefaultEnvironments()}, nil
	}
	return e, e.validate()
}

// DefaultEnvironments are those of a project that declares none, in their order.
func DefaultEnvironments() []string { return []string{"staging", "production"} }

func (e Environments) validate() error {
	if len(e.Order) < 2 {
		return fault.Inputf("%s declares %d environments", e.path, len(e.Order)).Fix("declare at least two, as in environments: [staging, production]")
	}
	for i, name := range e.Order {
		if !dnsLabel.MatchString(name) || len(name) > maxLabel {
			return fault.Inputf("%s: environment %q is not a DNS label", e.path, name).Fix("use lower-case letters, digits and dashes")
		}
		if slices.Contains(e.Order[:i], name) {
			return fault.Inputf("%s declares environment %s twice", e.path, name)
		}
	}
	for _, name := range e.Optional {
		if !slices.Contains(e.Order, name) {
			return fault.Inputf("%s: optional environment %q is not among the environments", e.path, name)
		}
	}
	for name, soak := range e.Soak {
		switch {
		case !slices.Contains(e.Order, name):
			return fault.Inputf("%s: soak of %q, which is not among the environments", e.path, name)
		case soak < 0:
			return fault.Inputf("%s: the soak of %s is below nothing: %s", e.path, name, time.Duration(soak))
		}
	}
	return nil
}

// Duration is a time span, written as in 90s, 10m or 1h30m.
type Duration time.Duration

// UnmarshalJSON reads it.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var written string
	if err := json.Unmarshal(raw, &written); err != nil {
		return fmt.Errorf("%s is not a time span: write it as in 10m", raw)
	}
	span, err := time.ParseDuration(written)
	if err != nil {
		return fmt.Errorf("%q is not a time span: write it as in 10m", written)
	}
	*d = Duration(span)
	return nil
}

// Step gives the two ends of a promotion. An empty from is the first environment,
// an empty to the next one after from.
func (e Environments) Step(from, to string) (string, string, error) {
	if from == "" {
		from = e.Order[0]
	}
	start, err := e.index(from)
	if err != nil {
		return "", "", err
	}
	if start == len(e.Order)-1 {
		return "", "", fault.Inputf("%s is the last environment (%s)", from, e).Fix("promote from an earlier one with --from")
	}
	if to == "" {
		return from, e.Order[start+1], nil
	}
	end, err := e.index(to)
	if err != nil {
		return "", "", err
	}
	if end <= start {
		return "", "", fault.Inputf("%s does not come after %s (%s)", to, from, e).Fix("promote forwards, or take an environment back with pave promote rollback")
	}
	for _, skipped := range e.Order[start+1 : end] {
		if !slices.Contains(e.Optional, skipped) {
			return "", "", fault.Gatef("a promotion from %s to %s would skip %s (%s)", from, to, skipped, e).
				Fix("promote to %s first, or let the project declare it optional", skipped)
		}
	}
	return from, to, nil
}

func (e Environments) index(name string) (int, error) {
	i := slices.Index(e.Order, name)
	if i < 0 {
		return 0, fault.Inputf("there is no environment %q (%s)", name, e).Fix("name one of these")
	}
	return i, nil
}

// String is for messages.
func (e Environments) String() string {
	where := e.path
	if where == "" {
		where = "the platform's default"
	}
	return fmt.Sprintf("%s: %s", where, strings.Join(e.Order, ", "))
}
