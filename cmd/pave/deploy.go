package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/steps/deploy"
)

// deployCommand puts applications into environments.
func deployCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Put an application into an environment by way of the GitOps repository",
	}
	cmd.AddCommand(deployAppCommand(a))
	return cmd
}

func deployAppCommand(a *app) *cobra.Command {
	var o deploy.Options
	cmd := &cobra.Command{
		Use:   "app",
		Short: "Commit an Argo CD Application with a pinned chart and image",
		Long: `Commit an Argo CD Application with a pinned chart and image.

Writes apps/PROJECT/ENVIRONMENT/APP/application.yaml and pushes the commit. An
unchanged file makes no commit. When somebody else pushes at the same time, the
deploy is applied again to what is there then. A file that was edited by hand is
overwritten with --force only.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "repository", "project", "environment", "app", "chart-repository", "chart-version", "values"); err != nil {
				return err
			}
			o.Repository.Log = a.log
			result, err := deploy.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.emit(result)
		},
	}
	f := cmd.Flags()
	gitFlags(f, &o.Repository)
	f.StringVar(&o.Project, "project", "", "project of the platform, a DNS label")
	f.StringVar(&o.Environment, "environment", "", "environment, as in staging")
	f.StringVar(&o.App, "app", "", "application, a DNS label")
	f.StringVar(&o.Chart.Repository, "chart-repository", "", "where the chart is, as in registry/project/charts")
	f.StringVar(&o.Chart.Name, "chart", "platform-app", "chart")
	f.StringVar(&o.Chart.Version, "chart-version", "", "the chart's exact version")
	f.StringVar(&o.ValuesFile, "values", "", "YAML file with the chart's values")
	f.StringVar(&o.Image, "image", "", "image as registry/project/app@sha256:…; default: the values' image")
	f.StringVar(&o.Revision, "revision", "", "commit of the source that the image was built from")
	f.StringVar(&o.Cluster, "cluster", "https://kubernetes.default.svc", "Kubernetes API that Argo CD deploys to")
	f.StringVar(&o.ArgoCDNamespace, "argocd-namespace", "argocd", "namespace of Argo CD")
	f.BoolVar(&o.Force, "force", false, "overwrite what somebody edited by hand")
	f.BoolVar(&o.DryRun, "dry-run", false, "show the difference and push nothing")
	f.StringVar(&o.Output, "output", "", "file for a copy of application.yaml")
	return cmd
}

// gitFlags adds the flags that every command which changes a Git repository
// shares.
func gitFlags(f *pflag.FlagSet, o *gitrepo.Options) {
	f.StringVar(&o.URL, "repository", "", "the GitOps repository: https://…, ssh://…, user@host:path, or a path")
	f.StringVar(&o.Branch, "branch", "main", "branch of the repository")
	f.StringVar(&o.Username, "username", "", "user name over https (default: any, for a token alone)")
	secretFlags(f, &o.Token, "token", "the token or password for https")
	secretFlags(f, &o.SSHKey, "ssh-key", "the private key for ssh, without a passphrase")
	f.StringVar(&o.KnownHostsFile, "known-hosts-file", "", "OpenSSH known_hosts file with the ssh server's key")
	f.StringVar(&o.CAFile, "ca-file", "", "PEM file with the platform's root CA, trusted besides the system's")
	f.StringVar(&o.Author.Name, "author-name", "pave", "author of the commit")
	f.StringVar(&o.Author.Email, "author-email", "pave@users.noreply.invalid", "email of the author")
}
