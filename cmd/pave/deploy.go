package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/steps/deploy"
)

// deployCommand puts applications into environments.
func deployCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Put an application into an environment, by way of the GitOps repository or directly",
	}
	cmd.AddCommand(deployAppCommand(a))
	return cmd
}

func deployAppCommand(a *cli.App) *cobra.Command {
	var o deploy.Options
	cmd := &cobra.Command{
		Use:   "app",
		Short: "Commit an Argo CD Application with a pinned chart and image",
		Long: `Commit an Argo CD Application with a pinned chart and image.

Writes apps/PROJECT/ENVIRONMENT/APP/application.yaml and pushes the commit. An
unchanged file makes no commit. When somebody else pushes at the same time, the
deploy is applied again to what is there then. A file that was edited by hand is
overwritten with --force only.

With --apply the Application goes to the cluster instead, for platforms without
a GitOps repository; what was edited there by hand is overwritten with --force
only.

With --wait the deploy ends when Argo CD says Synced and Healthy of what was
deployed. Exit 1 if that is not so at --timeout, or cannot come any more; exit 3
if a policy refuses it. Either way the result names the problems in plain words.
Killed while it waits and run again, it makes no second commit.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			needed := []string{"project", "environment", "app", "chart-repository", "chart-version", "values"}
			if !o.Apply {
				needed = append([]string{"repository"}, needed...)
			}
			if err := cli.Required(cmd, needed...); err != nil {
				return err
			}
			o.Repository.Log, o.ArgoCD.Log, o.ArgoCD.CAFile = a.Log, a.Log, o.Repository.CAFile
			result, err := deploy.Run(cmd.Context(), o)
			if result.Application == "" {
				return err
			}
			return errors.Join(a.Emit(result), err)
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
	f.BoolVar(&o.Apply, "apply", false, "apply the Application to the cluster, without a repository")
	f.BoolVar(&o.Wait, "wait", false, "wait until the application is Synced and Healthy")
	f.DurationVar(&o.Timeout, "timeout", argocd.DefaultTimeout, "how long to wait")
	clusterFlags(f, &o.ArgoCD)
	f.BoolVar(&o.Force, "force", false, "overwrite what somebody edited by hand")
	f.BoolVar(&o.DryRun, "dry-run", false, "show the difference and change nothing")
	f.StringVar(&o.Output, "output", "", "file for a copy of application.yaml")
	return cmd
}

// clusterFlags adds the flags that every command which asks Argo CD shares.
func clusterFlags(f *pflag.FlagSet, o *argocd.Options) {
	cli.SecretFlags(f, &o.Kubeconfig, "kubeconfig", "the kubeconfig of Argo CD's cluster (default: the pod's service account)")
	f.StringVar(&o.Context, "kube-context", "", "context of the kubeconfig (default: its current one)")
}

// gitFlags adds the flags that every command which changes a Git repository
// shares.
func gitFlags(f *pflag.FlagSet, o *gitrepo.Options) {
	f.StringVar(&o.URL, "repository", "", "the GitOps repository: https://…, ssh://…, user@host:path, or a path")
	f.StringVar(&o.Branch, "branch", "main", "branch of the repository")
	f.StringVar(&o.Username, "username", "", "user name over https (default: any, for a token alone)")
	cli.SecretFlags(f, &o.Token, "token", "the token or password for https")
	cli.SecretFlags(f, &o.SSHKey, "ssh-key", "the private key for ssh, without a passphrase")
	f.StringVar(&o.KnownHostsFile, "known-hosts-file", "", "OpenSSH known_hosts file with the ssh server's key")
	f.StringVar(&o.CAFile, "ca-file", "", "PEM file with the platform's root CA, trusted besides the system's")
	f.StringVar(&o.Author.Name, "author-name", "pave", "author of the commit")
	f.StringVar(&o.Author.Email, "author-email", "pave@users.noreply.invalid", "email of the author")
}
