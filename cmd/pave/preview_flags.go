package main

import (
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/preview"
)

// previewedFlags adds those that say what previews are made of.
func previewedFlags(f *pflag.FlagSet, o *preview.Application) {
	f.StringVar(&o.File, "file", "platform.yaml", "the application's contract")
	f.StringVar(&o.Domain, "domain", "", "domain of previews, as in previews.example.com")
	f.StringVar(&o.Image, "image", "", "repository of the image, registry/project/app (default: spec.image.repository)")
	f.StringVar(&o.PullSecret, "pull-secret", "", "Secret in the previews' namespace with which the image is pulled")
	f.StringVar(&o.Chart.Repository, "chart-repository", "", "where the chart is, as in registry/project/charts")
	f.StringVar(&o.Chart.Name, "chart", "platform-app", "chart")
	f.StringVar(&o.Chart.Version, "chart-version", "", "the chart's exact version")
	f.BoolVar(&o.Database, "database", false, "give each preview an empty database, if the application has one")
	f.BoolVar(&o.Messaging, "messaging", false, "give each preview a broker, if the application has one")
	f.StringVar(&o.Target, "target-branch", "", "only pull requests for this branch (default: for any)")
	f.IntVar(&o.Refresh, "refresh", 60, "seconds between Argo CD's looks at the forge")
	forgeFlags(f, &o.Forge, "the application's repository")
	f.StringVar(&o.Secret, "forge-secret", "", "Secret in Argo CD's namespace whose key token has the forge's token or password")
	f.StringVar(&o.CAConfigMap, "forge-ca-configmap", "", "ConfigMap in Argo CD's namespace whose key ca.crt has the forge's CA")
	destinationFlags(f, &o.Cluster, &o.ArgoCDNamespace)
}

// previewFlags adds those that name an application's previews and log in to its
// forge.
func previewFlags(f *pflag.FlagSet, o *preview.Of) {
	applicationFlags(f, &o.Project, &o.App)
	f.StringVar(&o.Domain, "domain", "", "domain of previews, as in previews.example.com")
	forgeFlags(f, &o.Forge, "the application's repository")
	cli.SecretFlags(f, &o.Forge.Token, "forge-token", "the forge's token or password")
}

// previewClusterFlags adds those that say where Argo CD runs.
func previewClusterFlags(f *pflag.FlagSet, o *argocd.Options) {
	clusterFlags(f, o)
	f.StringVar(&o.Namespace, "argocd-namespace", "argocd", "namespace of Argo CD")
}
