// Promotion between environments: by digest, verified on the way, watched until it is
// Healthy, and taken back if it is not.
//
// A release moves by a commit to the GitOps repository, or in a pull request. See
// https://github.com/pave-platform/pave/blob/main/docs/promotion.md.
package main

import (
	"strings"
	"time"

	"dagger/promote/internal/dagger"
)

// OnFailure is what becomes of a release that does not become Healthy.
type OnFailure string

const (
	// Take it back to the last good release.
	TakeBack OnFailure = "TAKE_BACK"
	// Take it back, and reject its digest for ever.
	Reject OnFailure = "REJECT"
	// Leave it where it is.
	Keep OnFailure = "KEEP"
)

// Forge is where the pull requests of the GitOps repository are.
type Forge string

const (
	// Bitbucket Cloud.
	BitbucketCloud Forge = "BITBUCKET_CLOUD"
	// Bitbucket Data Center.
	BitbucketDatacenter Forge = "BITBUCKET_DATACENTER"
	// GitHub, or GitHub Enterprise.
	Github Forge = "GITHUB"
	// GitLab.
	Gitlab Forge = "GITLAB"
)

// Promote moves releases between the environments of a GitOps repository.
type Promote struct {
	// +private
	Toolbox *dagger.Container
	// What every command takes.
	// +private
	Git []string
	// What those take that verify an image.
	// +private
	Verify []string
	// What those take that look at the cluster.
	// +private
	Cluster []string
	// What those take that open a pull request.
	// +private
	Forge []string
}

// New says where the GitOps repository, the registry and the cluster are, and how to
// get in.
func New(
	// GitOps repository, as https://host/path.git or ssh://git@host/path.git.
	repository string,
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// PEM file with the platform's root CA.
	// +optional
	ca *dagger.File,
	// Branch that Argo CD follows.
	// +optional
	// +default="main"
	branch string,
	// User name for https.
	// +optional
	username string,
	// Token for https.
	// +optional
	token *dagger.Secret,
	// Private key for ssh.
	// +optional
	sshKey *dagger.Secret,
	// Host keys for ssh, as OpenSSH's known_hosts.
	// +optional
	knownHosts *dagger.File,
	// User name at the registry.
	// +optional
	registryUser string,
	// Password or token at the registry.
	// +optional
	registryPassword *dagger.Secret,
	// Public key that images are signed with, as PEM.
	// +optional
	publicKey *dagger.File,
	// Key in Vault's transit engine instead, as hashivault://NAME.
	// +optional
	kms string,
	// Address of Vault.
	// +optional
	vaultAddr string,
	// Token for Vault.
	// +optional
	vaultToken *dagger.Secret,
	// Kubeconfig of the cluster that Argo CD runs in: to look whether an environment is
	// Healthy, and to wait.
	// +optional
	kubeconfig *dagger.Secret,
	// Namespace of Argo CD; as now by default, else argocd.
	// +optional
	argocdNamespace string,
	// Where pull requests of the repository are.
	// +optional
	forge Forge,
	// The forge's API; the public service's by default.
	// +optional
	forgeUrl string,
	// User of Bitbucket, where the token is a password or an API token.
	// +optional
	forgeUser string,
	// The forge's token; the one for https by default.
	// +optional
	forgeToken *dagger.Secret,
) *Promote {
	m := &Promote{
		Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{
			Base: toolbox, Ca: ca, RegistryUser: registryUser, RegistryPassword: registryPassword,
		}),
		Git: options("repository", repository, "branch", branch, "username", username),
	}
	m.Git = append(m.Git, m.secret("token", token)...)
	m.Git = append(m.Git, m.secret("ssh-key", sshKey)...)
	m.Git = append(m.Git, m.file("known-hosts-file", knownHosts)...)

	m.Verify = append(m.file("public-key", publicKey), options("kms", kms, "vault-address", vaultAddr)...)
	m.Verify = append(m.Verify, m.secret("vault-token", vaultToken)...)
	m.Cluster = append(m.secret("kubeconfig", kubeconfig), options("argocd-namespace", argocdNamespace)...)
	kind := strings.ReplaceAll(strings.ToLower(string(forge)), "_", "-")
	m.Forge = append(m.secret("forge-token", forgeToken), options("forge", kind, "forge-url", forgeUrl, "forge-username", forgeUser)...)
	return m
}

// options are flags and their values, one after another. One without a value is left
// out.
func options(flags ...string) []string {
	var args []string
	for i := 0; i < len(flags); i += 2 {
		if flags[i+1] != "" {
			args = append(args, "--"+flags[i]+"="+flags[i+1])
		}
	}
	return args
}

// secret mounts a secret and gives the flag that says where it is.
func (m *Promote) secret(name string, s *dagger.Secret) []string {
	if s == nil {
		return nil
	}
	path := "/run/secrets/" + name
	m.Toolbox = m.Toolbox.WithMountedSecret(path, s)
	return []string{"--" + name + "-file=" + path}
}

// file is secret for what everybody may see.
func (m *Promote) file(flag string, f *dagger.File) []string {
	if f == nil {
		return nil
	}
	path := "/run/pave/" + flag
	m.Toolbox = m.Toolbox.WithMountedFile(path, f)
	return []string{"--" + flag + "=" + path}
}

// exec runs pave anew: a changing variable keeps what it does out of the cache.
func exec(ctr *dagger.Container, args []string) *dagger.Container {
	return ctr.WithEnvVariable("PAVE_RUN", time.Now().String()).WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true})
}
