// Package gitops is the part of the GitOps repository that people do not deploy
// to: what makes Argo CD follow the rest. It renders it, and commits it.
//
//	platform/platform.yaml        Application that applies this folder, itself among it
//	platform/appproject-*.yaml    what the platform's own Applications may do
//	platform/guard.yaml, …        admission policy: a project's folder is for that project
//	platform/apps.yaml            ApplicationSet: an Application for each folder apps/PROJECT/ENVIRONMENT
//	platform/projects/NAME.yaml   AppProject of a project: its charts, namespaces and people
//	platform/repositories/…       where Argo CD's credentials are in Vault; never the credentials
//
// It promises that the same options give the same bytes, that nothing in there is
// secret, and that a project comes before its applications.
package gitops

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	layout "github.com/pave-platform/pave/internal/gitops"
)

// Options say what the repository is to set up.
type Options struct {
	RepositoryURL string // the GitOps repository, as Argo CD reaches it
	Branch        string // that Argo CD follows

	ChartRepositories []string // that projects may take charts from, as in registry/project/charts
	Projects          []Project

	Cluster         string // Kubernetes API that Argo CD deploys to; empty: its own
	ArgoCDNamespace string // empty: argocd

	Credentials Credentials
}

// Project is one team's, or one product's.
type Project struct {
	Name         string   // a DNS label
	Group        string   // of the directory, whose members are its developers; empty: none
	Environments []string // empty: staging, production
	Previews     bool     // it has previews of pull requests
}

// Credentials say where the secrets are that Argo CD gets in with. External
// Secrets fetches them.
type Credentials struct {
	Store  string // ClusterSecretStore
	Git    string // path of the Git repository's username and password; empty: it is public
	Charts string // path of the chart repositories' username and password; empty: they are public
}

// Names of what is set up.
const (
	platformName = "platform" // AppProject and Application of this package's files
	folder       = "platform/"
)

var (
	repositoryForm = regexp.MustCompile(`^(https?://[^@\s]+|ssh://\S+|file:///\S+|[^@\s]+@[^:\s]+:\S+)$`)
	vaultPath      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
)

// complete checks o and sets what is left open.
func (o Options) complete() (Options, error) {
	if !repositoryForm.MatchString(o.RepositoryURL) {
		return o, fault.Inputf("%q is no repository that Argo CD can reach", o.RepositoryURL).Fix("give it as in https://host/path.git, without credentials")
	}
	if o.Branch == "" {
		o.Branch = "main"
	}
	if len(o.ChartRepositories) == 0 {
		return o, fault.Inputf("projects may take charts from nowhere").Fix("give --chart-repository, as in registry/project/charts")
	}
	charts := make([]string, len(o.ChartRepositories))
	for i, r := range o.ChartRepositories {
		chart := layout.Chart{Repository: r, Name: "x", Version: "0.0.0"}
		if err := chart.Validate(); err != nil {
			return o, err
		}
		charts[i] = chart.Canonical().Repository
	}
	o.ChartRepositories = charts
	o.Cluster, o.ArgoCDNamespace = either(o.Cluster, "https://kubernetes.default.svc"), either(o.ArgoCDNamespace, "argocd")
	if err := o.Credentials.validate(); err != nil {
		return o, err
	}
	projects := make([]Project, len(o.Projects))
	for i, p := range o.Projects {
		var err error
		if projects[i], err = p.complete(); err != nil {
			return o, err
		}
		if slices.ContainsFunc(projects[:i], func(other Project) bool { return other.Name == p.Name }) {
			return o, fault.Inputf("project %s is there twice", p.Name)
		}
	}
	o.Projects = projects
	return o, nil
}

func (c Credentials) validate() error {
	if (c.Git != "" || c.Charts != "") && c.Store == "" {
		return fault.Inputf("credentials are of a secret store, and none is named").Fix("give --secret-store")
	}
	for _, path := range []string{c.Git, c.Charts} {
		if path != "" && !vaultPath.MatchString(path) {
			return fault.Inputf("%q is not a secret's path", path).Fix("write it as in platform/argocd/git")
		}
	}
	return nil
}

func (p Project) complete() (Project, error) {
	if err := layout.ValidProject(p.Name); err != nil {
		return p, err
	}
	if p.Name == platformName || p.Name == layout.Root || p.Name == "default" {
		return p, fault.Inputf("project name %q is taken by the platform", p.Name).Fix("choose another")
	}
	if strings.ContainsFunc(p.Group, func(r rune) bool { return r < ' ' || r == '\x7f' }) {
		return p, fault.Inputf("group %q of project %s has control characters", p.Group, p.Name)
	}
	if len(p.Environments) == 0 {
		p.Environments = layout.DefaultEnvironments()
	}
	for i, e := range p.Environments {
		if err := (layout.Target{Project: p.Name, Environment: e, App: "x"}).Validate(); err != nil {
			return p, err
		}
		if slices.Contains(p.Environments[:i], e) {
			return p, fault.Inputf("project %s has environment %s twice", p.Name, e)
		}
	}
	return p, nil
}

func either(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
