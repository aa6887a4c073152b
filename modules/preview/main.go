// Previews of pull requests: a throw-away environment for each one from a branch
// preview/APP/TEXT.
//
// Argo CD makes, changes and removes them, by an ApplicationSet in the GitOps
// repository. See https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-Pull-Request/.
package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"dagger/preview/internal/dagger"
)

// Forge is where an application's pull requests are.
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

// Preview gives the pull requests of one repository environments.
type Preview struct {
	// +private
	Toolbox *dagger.Container
	// Where pull requests are.
	// +private
	Forge []string
	// How to get in there.
	// +private
	Login []string
	// Where the GitOps repository is.
	// +private
	Git []string
}

// New says where pull requests are, where the GitOps repository is, and how to get in.
func New(
	// Kind of forge.
	forge Forge,
	// Workspace, project key, owner or group.
	forgeProject string,
	// The application's repository there.
	forgeRepository string,
	// The forge's API; the public service's by default.
	// +optional
	forgeUrl string,
	// User of Bitbucket, where the token is a password or an API token.
	// +optional
	forgeUser string,
	// The forge's token, for what reads or comments on pull requests.
	// +optional
	forgeToken *dagger.Secret,
	// GitOps repository, as https://host/path.git or ssh://git@host/path.git.
	// +optional
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
) *Preview {
	m := &Preview{
		Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{Base: toolbox, Ca: ca}),
		Forge: options("forge", strings.ReplaceAll(strings.ToLower(string(forge)), "_", "-"), "forge-project", forgeProject,
			"forge-repository", forgeRepository, "forge-url", forgeUrl, "forge-username", forgeUser),
	}
	m.Login = m.secret("forge-token", forgeToken)
	if repository != "" {
		m.Git = options("repository", repository, "branch", branch, "username", username)
		m.Git = append(m.Git, m.secret("token", token)...)
		m.Git = append(m.Git, m.secret("ssh-key", sshKey)...)
		if knownHosts != nil {
			m.Toolbox = m.Toolbox.WithMountedFile("/run/pave/known_hosts", knownHosts)
			m.Git = append(m.Git, "--known-hosts-file=/run/pave/known_hosts")
		}
	}
	return m
}

// Render gives the ApplicationSet of an application's previews, applicationset.yaml,
// and changes nothing.
func (m *Preview) Render(
	// The application's platform.yaml.
	contract *dagger.File,
	// Repository of charts, as registry/project/charts.
	chartRepository string,
	// Version of the chart.
	chartVersion string,
	// Domain of previews; the application needs one if it has an ingress.
	// +optional
	domain string,
	// Repository of the image; spec.image.repository by default.
	// +optional
	image string,
	// Secret in the previews' namespace with which the image is pulled.
	// +optional
	pullSecret string,
	// Secret in Argo CD's namespace whose key token has the forge's token.
	// +optional
	forgeSecret string,
	// ConfigMap in Argo CD's namespace whose key ca.crt has the forge's CA.
	// +optional
	forgeCaConfigmap string,
	// Give each preview an empty database, if the application has one.
	// +optional
	database bool,
	// Give each preview a broker, if the application has one.
	// +optional
	messaging bool,
) *dagger.File {
	args := append([]string{"preview", "render", "--output=/out/applicationset.yaml"}, m.Forge...)
	args = append(args, application(chartRepository, chartVersion, domain, image, pullSecret, forgeSecret, forgeCaConfigmap, database, messaging)...)
	return m.Toolbox.WithMountedFile("/in/platform.yaml", contract).
		WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		File("/out/applicationset.yaml")
}

// Enable commits that ApplicationSet to the GitOps repository. It gives JSON: its name,
// the address of previews, commit, changed, and the ApplicationSet as YAML.
// +cache="never"
func (m *Preview) Enable(
	ctx context.Context,
	// The application's platform.yaml.
	contract *dagger.File,
	// Repository of charts, as registry/project/charts.
	chartRepository string,
	// Version of the chart.
	chartVersion string,
	// Domain of previews; the application needs one if it has an ingress.
	// +optional
	domain string,
	// Repository of the image; spec.image.repository by default.
	// +optional
	image string,
	// Secret in the previews' namespace with which the image is pulled.
	// +optional
	pullSecret string,
	// Secret in Argo CD's namespace whose key token has the forge's token.
	// +optional
	forgeSecret string,
	// ConfigMap in Argo CD's namespace whose key ca.crt has the forge's CA.
	// +optional
	forgeCaConfigmap string,
	// Give each preview an empty database, if the application has one.
	// +optional
	database bool,
	// Give each preview a broker, if the application has one.
	// +optional
	messaging bool,
	// Show the change and push nothing.
	// +optional
	dryRun bool,
) (string, error) {
	args := append([]string{"preview", "enable", "--json"}, m.Forge...)
	args = append(args, m.Git...)
	args = append(args, application(chartRepository, chartVersion, domain, image, pullSecret, forgeSecret, forgeCaConfigmap, database, messaging)...)
	return run(ctx, m.Toolbox.WithMountedFile("/in/platform.yaml", contract), dry(args, dryRun))
}

// Disable removes an application's ApplicationSet from the GitOps repository, and Argo CD
// its previews. It gives JSON: commit and changed.
// +cache="never"
func (m *Preview) Disable(
	ctx context.Context,
	// Project that the application belongs to.
	project string,
	// Name of the application.
	app string,
	// Show the change and push nothing.
	// +optional
	dryRun bool,
) (string, error) {
	args := append([]string{"preview", "disable", "--json"}, options("project", project, "app", app)...)
	return run(ctx, m.Toolbox, dry(append(args, m.Git...), dryRun))
}

// List gives an application's previews as JSON: pull request, address and, with a
// kubeconfig, how far each one is.
// +cache="never"
func (m *Preview) List(
	ctx context.Context,
	// Project that the application belongs to.
	project string,
	// Name of the application.
	app string,
	// Domain of previews.
	// +optional
	domain string,
	// Kubeconfig of the cluster that Argo CD runs in.
	// +optional
	kubeconfig *dagger.Secret,
) (string, error) {
	args := m.of("list", project, app, domain)
	args = append(args, m.secret("kubeconfig", kubeconfig)...)
	return run(ctx, m.Toolbox, args)
}

// Comment tells a pull request where its preview is, in one comment that is kept up to
// date. It gives JSON: address, text and changed.
// +cache="never"
func (m *Preview) Comment(
	ctx context.Context,
	// Project that the application belongs to.
	project string,
	// Name of the application.
	app string,
	// Domain of previews.
	domain string,
	// Number of the pull request.
	pullRequest int,
	// Write nothing.
	// +optional
	dryRun bool,
) (string, error) {
	args := append(m.of("comment", project, app, domain), "--pull-request="+strconv.Itoa(pullRequest))
	return run(ctx, m.Toolbox, dry(args, dryRun))
}

// Prune removes previews that are left in the cluster, with a kubeconfig, and takes
// them from pull requests that nobody touches, with a greatest age. It gives JSON:
// expired and removed.
// +cache="never"
func (m *Preview) Prune(
	ctx context.Context,
	// Project that the application belongs to.
	project string,
	// Name of the application.
	app string,
	// Kubeconfig of the cluster that Argo CD runs in.
	// +optional
	kubeconfig *dagger.Secret,
	// How long a preview lives that nobody touches the pull request of, as in 336h.
	// +optional
	maxAge string,
	// Say what would be removed and remove nothing.
	// +optional
	dryRun bool,
) (string, error) {
	args := append(m.of("prune", project, app, ""), m.Git...)
	args = append(args, options("max-age", maxAge)...)
	args = append(args, m.secret("kubeconfig", kubeconfig)...)
	return run(ctx, m.Toolbox, dry(args, dryRun))
}

func (m *Preview) of(verb, project, app, domain string) []string {
	args := append([]string{"preview", verb, "--json"}, options("project", project, "app", app, "domain", domain)...)
	return append(append(args, m.Forge...), m.Login...)
}

// secret mounts a secret and gives the flag that says where it is.
func (m *Preview) secret(name string, s *dagger.Secret) []string {
	if s == nil {
		return nil
	}
	path := "/run/secrets/" + name
	m.Toolbox = m.Toolbox.WithMountedSecret(path, s)
	return []string{"--" + name + "-file=" + path}
}

func application(chartRepository, chartVersion, domain, image, pullSecret, forgeSecret, forgeCaConfigmap string, database, messaging bool) []string {
	args := options("file", "/in/platform.yaml", "chart-repository", chartRepository, "chart-version", chartVersion, "domain", domain,
		"image", image, "pull-secret", pullSecret, "forge-secret", forgeSecret, "forge-ca-configmap", forgeCaConfigmap)
	if database {
		args = append(args, "--database")
	}
	if messaging {
		args = append(args, "--messaging")
	}
	return args
}

func dry(args []string, dryRun bool) []string {
	if dryRun {
		return append(args, "--dry-run")
	}
	return args
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

// run runs pave anew: a changing variable keeps what it does out of the cache.
func run(ctx context.Context, ctr *dagger.Container, args []string) (string, error) {
	return ctr.WithEnvVariable("PAVE_RUN", time.Now().String()).
		WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		Stdout(ctx)
}
