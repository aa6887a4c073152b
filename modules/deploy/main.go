// Deployment by Argo CD: an Application written into a Git repository, or applied directly.
//
// Concurrent deploys are retried, an unchanged one makes no commit, and somebody else's
// edit is never overwritten silently. It can wait until the application is Healthy, and says
// in plain words why it is not. See https://argo-cd.readthedocs.io.
package main

import (
	"context"
	"time"

	"dagger/deploy/internal/dagger"
)

// Deploy writes to a GitOps repository, or to a cluster.
type Deploy struct {
	// +private
	Toolbox *dagger.Container
	// +private
	Git []string
	// +private
	Cluster []string
}

// New says where the GitOps repository and the cluster are, and how to get in.
func New(
	// GitOps repository, as https://host/path.git or ssh://git@host/path.git; empty where
	// the Application is applied.
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
	// Kubeconfig of Argo CD's cluster, with a token or a client certificate: to wait and to
	// apply.
	// +optional
	kubeconfig *dagger.Secret,
	// Context of the kubeconfig.
	// +optional
	kubeContext string,
) *Deploy {
	m := &Deploy{
		Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{Base: toolbox, Ca: ca}),
	}
	if repository != "" {
		m.Git = []string{"--repository=" + repository, "--branch=" + branch}
	}
	if username != "" {
		m.Git = append(m.Git, "--username="+username)
	}
	if token != nil {
		m.Toolbox = m.Toolbox.WithMountedSecret("/run/secrets/git-token", token)
		m.Git = append(m.Git, "--token-file=/run/secrets/git-token")
	}
	if sshKey != nil {
		m.Toolbox = m.Toolbox.WithMountedSecret("/run/secrets/git-ssh-key", sshKey)
		m.Git = append(m.Git, "--ssh-key-file=/run/secrets/git-ssh-key")
	}
	if knownHosts != nil {
		m.Toolbox = m.Toolbox.WithMountedFile("/run/pave/known_hosts", knownHosts)
		m.Git = append(m.Git, "--known-hosts-file=/run/pave/known_hosts")
	}
	if kubeconfig != nil {
		m.Toolbox = m.Toolbox.WithMountedSecret("/run/secrets/kubeconfig", kubeconfig)
		m.Cluster = append(m.Cluster, "--kubeconfig-file=/run/secrets/kubeconfig")
	}
	if kubeContext != "" {
		m.Cluster = append(m.Cluster, "--kube-context="+kubeContext)
	}
	return m
}

// App writes apps/<project>/<environment>/<app>/application.yaml, commits and pushes it.
// It gives JSON: repository, branch, path, commit, changed, attempts, the application as
// YAML, and where it waited, sync, health, waitedSeconds and problems.
// +cache="never"
func (m *Deploy) App(
	ctx context.Context,
	// Name of the application.
	app string,
	// Project that it belongs to; also the Argo CD AppProject.
	project string,
	// The image, as registry/project/app@sha256:….
	image string,
	// Repository of charts, as registry/project/charts.
	chartRepository string,
	// Version of the chart.
	chartVersion string,
	// Values of the chart.
	values *dagger.File,
	// Environment to deploy to.
	// +optional
	// +default="staging"
	environment string,
	// Name of the chart.
	// +optional
	// +default="platform-app"
	chart string,
	// Commit of the application's source.
	// +optional
	revision string,
	// Wait until the application is Synced and Healthy. Fails if it is not so in time, with
	// the reasons in plain words.
	// +optional
	wait bool,
	// How long to wait.
	// +optional
	// +default="10m"
	timeout string,
	// Apply the Application to the cluster; the GitOps repository is left alone.
	// +optional
	apply bool,
	// Show the change and make none.
	// +optional
	dryRun bool,
) (string, error) {
	args := []string{
		"deploy", "app", "--app=" + app, "--project=" + project, "--environment=" + environment, "--image=" + image,
		"--chart-repository=" + chartRepository, "--chart=" + chart, "--chart-version=" + chartVersion,
		"--values=/in/values.yaml", "--json",
	}
	if revision != "" {
		args = append(args, "--revision="+revision)
	}
	if wait {
		args = append(args, "--wait", "--timeout="+timeout)
	}
	if apply {
		args = append(args, "--apply")
	} else {
		args = append(args, m.Git...)
	}
	if wait || apply {
		args = append(args, m.Cluster...)
	}
	if dryRun {
		args = append(args, "--dry-run")
	}
	return m.Toolbox.
		WithMountedFile("/in/values.yaml", values).
		WithEnvVariable("PAVE_RUN", time.Now().String()).
		WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		Stdout(ctx)
}
