package vulndb

import (
	"bytes"
	_ "embed"
	"errors"
	"os"
	"regexp"
	"slices"

	"github.com/aquasecurity/trivy-db/pkg/types"
	"go.yaml.in/yaml/v3"

	"github.com/pave-platform/pave/internal/fault"
)

//go:embed demo.yaml
var demo []byte

// document is a list of advisories as people write it.
type document struct {
	Name       string     `yaml:"name"` // what reports call the database
	Advisories []advisory `yaml:"advisories"`
}

// advisory is one vulnerability and the packages it is in.
type advisory struct {
	ID          string                    `yaml:"id"` // CVE-… or GHSA-…
	Title       string                    `yaml:"title"`
	Description string                    `yaml:"description"`
	Severity    map[types.SourceID]string `yaml:"severity"` // by source, e.g. nvd: HIGH
	References  []string                  `yaml:"references"`
	Go          []goModule                `yaml:"go"`
	Debian      []debianPackage           `yaml:"debian"`
}

// goModule is an affected Go module, or "stdlib".
type goModule struct {
	Module     string   `yaml:"module"`
	Vulnerable []string `yaml:"vulnerable"` // ranges, any of which affects; "<1.2.3" says that 1.2.3 fixes
}

// debianPackage is an affected Debian source package; no fixed version means
// that the release has no fix.
type debianPackage struct {
	Release string `yaml:"release"`
	Source  string `yaml:"source"`
	Fixed   string `yaml:"fixed"`
}

var identifier = regexp.MustCompile(`^[A-Z]+-[A-Za-z0-9-]+$`)

// readAdvisories reads path, or the embedded demo advisories if it is empty.
func readAdvisories(path string) (document, error) {
	content, label := demo, "demo.yaml"
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return document{}, fault.Inputf("advisories: %w", err)
		}
		content, label = b, path
	}
	var d document
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&d); err != nil {
		return document{}, fault.Inputf("%s: %w", label, err)
	}
	if d.Name == "" {
		return document{}, fault.Inputf("%s: the database has no name", label)
	}
	var errs []error
	for _, a := range d.Advisories {
		if err := a.validate(); err != nil {
			errs = append(errs, fault.Inputf("%s: %s: %w", label, a.ID, err))
		}
	}
	return d, errors.Join(errs...)
}

func (a advisory) validate() error {
	if !identifier.MatchString(a.ID) {
		return errors.New("an advisory needs an id such as CVE-2024-45337")
	}
	for _, s := range a.Severity {
		if !slices.Contains(types.SeverityNames, s) {
			return fault.Inputf("unknown severity %q", s).Fix("use one of %q", types.SeverityNames)
		}
	}
	for _, g := range a.Go {
		if g.Module == "" || len(g.Vulnerable) == 0 {
			return errors.New("a Go entry needs a module and at least one vulnerable range")
		}
	}
	for _, d := range a.Debian {
		if d.Source == "" || d.Release == "" {
			return errors.New("a Debian entry needs a release and a source package")
		}
	}
	return nil
}
