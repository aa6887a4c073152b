// Deployment by GitOps: an Argo CD Application written into a Git repository.
//
// Concurrent deploys are retried, an unchanged one makes no commit, and somebody else's
// edit is never overwritten silently. See https://argo-cd.readthedocs.io.
package main

import (
	"context"
	"time"

	"dagger/deploy/internal/dagger"
)

// Deploy writes to a GitOps repository.
type Deploy struct {
	// +private
	Toolbox *dagger.Container
	// +private
	Args []string
}

// New says where the GitOps repository is and how to get in.
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
) *Deploy {
	m := &Deploy{
		Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{Base: toolbox, Ca: ca}),
		Args:    []string{"--repository=" + repository, "--branch=" + branch},
	}
	if username != "" {
		m.Args = append(m.Args, "--username="+username)
	}
	if token != nil {
		m.Toolbox = m.Toolbox.WithMountedSecret("/run/secrets/git-token", token)
		m.Args = append(m.Args, "--token-file=/run/secrets/git-token")
	}
	if sshKey != nil {
		m.Toolbox = m.Toolbox.WithMountedSecret("/run/secrets/git-ssh-key", sshKey)
		m.Args = append(m.Args, "--ssh-key-file=/run/secrets/git-ssh-key")
	}
	if knownHosts != nil {
		m.Toolbox = m.Toolbox.WithMountedFile("/run/pave/known_hosts", knownHosts)
		m.Args = append(m.Args, "--known-hosts-file=/run/pave/known_hosts")
	}
	return m
}

// App writes apps/<project>/<environment>/<app>/application.yaml, commits and pushes it.
// It gives JSON: repository, branch, path, commit, changed, attempts, and the application
// as YAML.
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
	// Show the change and push nothing.
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
	if dryRun {
		args = append(args, "--dry-run")
	}
	return m.Toolbox.
		WithMountedFile("/in/values.yaml", values).
		WithEnvVariable("PAVE_RUN", time.Now().String()).
		WithExec(append(args, m.Args...), dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		Stdout(ctx)
}
