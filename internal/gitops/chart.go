package gitops

import (
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/pave-platform/pave/internal/fault"
)

// Chart is a chart in a registry, pinned by version.
type Chart struct {
	Repository string `json:"repository"` // registry/project/charts, with or without oci://; or https:// for a classic repository
	Name       string `json:"name"`
	Version    string `json:"version"` // exact
}

var (
	chartName       = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)
	chartRepository = regexp.MustCompile(`^(https://)?[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*/?$`)
	sourceRevision  = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
)

// Validate refuses what does not name one chart for ever.
func (c Chart) Validate() error {
	if !chartRepository.MatchString(c.repoURL()) {
		return fault.Inputf("chart repository %q", c.Repository).Fix("write it as registry/project/charts")
	}
	if !chartName.MatchString(c.Name) {
		return fault.Inputf("chart name %q", c.Name).Fix("write it as in platform-app")
	}
	if _, err := semver.StrictNewVersion(c.Version); err != nil {
		return fault.Inputf("chart version %q is not an exact version", c.Version).Fix("write it as in 1.2.3")
	}
	return nil
}

// repoURL is the repository as Argo CD wants it: for a registry without a
// scheme.
func (c Chart) repoURL() string {
	return strings.TrimSuffix(strings.TrimPrefix(c.Repository, "oci://"), "/")
}

// Canonical is the chart as an Application names it.
func (c Chart) Canonical() Chart {
	c.Repository = c.repoURL()
	return c
}

// String is repository/name:version.
func (c Chart) String() string { return c.repoURL() + "/" + c.Name + ":" + c.Version }

// ValidRevision refuses what is not a Git commit; none at all is fine.
func ValidRevision(revision string) error {
	if revision != "" && !sourceRevision.MatchString(revision) {
		return fault.Inputf("source revision %q is not a Git commit", revision).Fix("give the commit's hash in lower-case hexadecimal")
	}
	return nil
}
