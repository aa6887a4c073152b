package deploy

import (
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Options say what is deployed, and where to.
type Options struct {
	Repository gitrepo.Options // the GitOps repository

	Project, Environment, App string // DNS labels
	Chart                     Chart
	ValuesFile                string // YAML, for the chart
	Image                     string // registry/project/app@sha256:…; empty: the values name it
	Revision                  string // the source's commit; may be empty

	Cluster         string // Kubernetes API that Argo CD deploys to; empty: its own
	ArgoCDNamespace string // empty: argocd

	Force  bool   // overwrite what somebody edited by hand
	DryRun bool   // show the difference, push nothing
	Output string // file for a copy of application.yaml; may be empty
}

// Chart is a chart in a registry, pinned by version.
type Chart struct {
	Repository string // registry/project/charts, with or without oci://; or https:// for a classic repository
	Name       string
	Version    string // exact
}

var (
	chartName       = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)
	chartRepository = regexp.MustCompile(`^(https://)?[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*/?$`)
	sourceRevision  = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
)

func (c Chart) validate() error {
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

func (c Chart) ref() string { return c.repoURL() + "/" + c.Name + ":" + c.Version }

func validRevision(revision string) error {
	if revision != "" && !sourceRevision.MatchString(revision) {
		return fault.Inputf("source revision %q is not a Git commit", revision).Fix("give the commit's hash in lower-case hexadecimal")
	}
	return nil
}
