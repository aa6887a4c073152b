package deploy

import (
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Options say what is deployed, and where to.
type Options struct {
	Repository gitrepo.Options // the GitOps repository; none with Apply

	Project, Environment, App string // DNS labels
	Chart                     gitops.Chart
	ValuesFile                string // YAML, for the chart
	Image                     string // registry/project/app@sha256:…; empty: the values name it
	Revision                  string // the source's commit; may be empty

	Cluster         string // Kubernetes API that Argo CD deploys to; empty: its own
	ArgoCDNamespace string // empty: argocd

	Apply   bool           // apply the Application to the cluster, without a repository
	Wait    bool           // until it is Synced and Healthy with this content
	Timeout time.Duration  // of the waiting; 0: argocd.DefaultTimeout
	ArgoCD  argocd.Options // how to get into the cluster; its namespace is ArgoCDNamespace

	Force  bool   // overwrite what somebody edited by hand, in Git or with Apply in the cluster
	DryRun bool   // show the difference, push nothing
	Output string // file for a copy of application.yaml; may be empty
}
