package main

import (
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// applicationFlags adds those that name an application of the platform.
func applicationFlags(f *pflag.FlagSet, project, app *string) {
	f.StringVar(project, "project", "", "project of the platform, a DNS label")
	f.StringVar(app, "app", "", "application, a DNS label")
}

// destinationFlags adds those that say where Argo CD deploys to, and where it is.
func destinationFlags(f *pflag.FlagSet, cluster, namespace *string) {
	f.StringVar(cluster, "cluster", "https://kubernetes.default.svc", "Kubernetes API that Argo CD deploys to")
	f.StringVar(namespace, "argocd-namespace", "argocd", "namespace of Argo CD")
}

// forgeFlags adds those that say where the pull requests of a repository are.
func forgeFlags(f *pflag.FlagSet, o *forge.Options, repository string) {
	f.StringVar((*string)(&o.Kind), "forge", "", "where pull requests are: bitbucket-cloud, bitbucket-datacenter, github or gitlab")
	f.StringVar(&o.URL, "forge-url", "", "the forge's API (default: the public service's)")
	f.StringVar(&o.Project, "forge-project", "", "workspace, project key, owner or group of "+repository)
	f.StringVar(&o.Repository, "forge-repository", "", "the forge's name of "+repository)
	f.StringVar(&o.Username, "forge-username", "", "user of Bitbucket, where the token is a password or an API token")
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
	cli.CAFlag(f, &o.CAFile)
	f.StringVar(&o.Author.Name, "author-name", "pave", "author of the commit")
	f.StringVar(&o.Author.Email, "author-email", "pave@users.noreply.invalid", "email of the author")
}
