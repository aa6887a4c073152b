package deploy

import (
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Options say what is deployed, and where to.
type Options struct {
	Repository gitrepo.Options // the GitOps repository

	Project, Environment, App string // DNS labels
	Chart                     gitops.Chart
	ValuesFile                string // YAML, for the chart
	Image                     string // registry/project/app@sha256:…; empty: the values name it
	Revision                  string // the source's commit; may be empty

	Cluster         string // Kubernetes API that Argo CD deploys to; empty: its own
	ArgoCDNamespace string // empty: argocd

	Force  bool   // overwrite what somebody edited by hand
	DryRun bool   // show the difference, push nothing
	Output string // file for a copy of application.yaml; may be empty
}
