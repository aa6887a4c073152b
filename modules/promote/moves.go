package main

import (
	"context"
	"strings"

	"dagger/promote/internal/dagger"
)

// Run promotes what an environment has to the next one. It gives JSON: image, digest,
// chart, what changes, commit or pull request, and what became of it in the cluster.
// Exit code 3 means that nothing was done, since something does not hold; 1 with wait,
// that the release did not become Healthy.
// +cache="never"
func (m *Promote) Run(
	ctx context.Context,
	// Project of the application.
	project string,
	// Name of the application.
	app string,
	// Values of the chart, rendered for the environment that gets the release.
	values *dagger.File,
	// Environment that has the release; the project's first by default.
	// +optional
	from string,
	// Environment that gets it; the next one by default.
	// +optional
	to string,
	// Digest that the environment must have.
	// +optional
	digest string,
	// Attestations that must be there: spdx, cyclonedx, vuln, slsaprovenance1 or a predicate
	// type's URI. The first four by default.
	// +optional
	require []string,
	// How long the earlier environment must have been Healthy with the release, as in 10m;
	// as the project declares by default. Needs a kubeconfig.
	// +optional
	soak string,
	// Follow the release until it is Healthy. Needs a kubeconfig.
	// +optional
	wait bool,
	// How long to wait.
	// +optional
	// +default="10m"
	timeout string,
	// How long it must stay Healthy then, as in 1m.
	// +optional
	steady string,
	// What becomes of a release that does not become Healthy.
	// +optional
	// +default="TAKE_BACK"
	onFailure OnFailure,
	// Promote a release also if it was taken back before.
	// +optional
	again bool,
	// Offer the change in a pull request. Needs a forge.
	// +optional
	pullRequest bool,
	// Show the change and push nothing.
	// +optional
	dryRun bool,
	// Who wants it, for the history.
	// +optional
	by string,
) (string, error) {
	args := m.move("run", project, app, require, wait, timeout, pullRequest, dryRun, by)
	args = append(args, "--values=/in/values.yaml")
	args = append(args, options("from", from, "to", to, "digest", digest, "soak", soak, "steady", steady)...)
	if wait && onFailure == Keep {
		args = append(args, "--no-rollback")
	}
	if wait && onFailure == Reject {
		args = append(args, "--reject-on-failure")
	}
	if again {
		args = append(args, "--again")
	}
	return exec(m.Toolbox.WithMountedFile("/in/values.yaml", values), args).Stdout(ctx)
}

// Rollback takes an environment back to an earlier release of its history, whole. It
// gives JSON like run. Done twice, it goes back once.
// +cache="never"
func (m *Promote) Rollback(
	ctx context.Context,
	// Project of the application.
	project string,
	// Name of the application.
	app string,
	// Environment that goes back.
	environment string,
	// Digest of the history to go back to; the last good one by default.
	// +optional
	to string,
	// Digest that the environment must have.
	// +optional
	digest string,
	// Why, for the history.
	// +optional
	reason string,
	// Attestations that must be there, as for run.
	// +optional
	require []string,
	// Follow the release until it is Healthy. Needs a kubeconfig.
	// +optional
	wait bool,
	// How long to wait.
	// +optional
	// +default="10m"
	timeout string,
	// Offer the change in a pull request. Needs a forge.
	// +optional
	pullRequest bool,
	// Show the change and push nothing.
	// +optional
	dryRun bool,
	// Who wants it, for the history.
	// +optional
	by string,
) (string, error) {
	args := m.move("rollback", project, app, require, wait, timeout, pullRequest, dryRun, by)
	args = append(args, "--environment="+environment)
	args = append(args, options("to", to, "digest", digest, "reason", reason)...)
	return exec(m.Toolbox, args).Stdout(ctx)
}

// Reject keeps a digest out of a project for ever: nothing deploys or promotes it there
// any more. It gives JSON, with the places where it still runs.
// +cache="never"
func (m *Promote) Reject(
	ctx context.Context,
	// Project that it is kept out of.
	project string,
	// The digest, as sha256:….
	digest string,
	// Why, for those who meet the rejection.
	reason string,
	// Push nothing.
	// +optional
	dryRun bool,
	// Who rejects it.
	// +optional
	by string,
) (string, error) {
	args := append([]string{"promote", "reject", digest, "--project=" + project, "--reason=" + reason, "--json"}, m.Git...)
	args = append(args, options("by", by)...)
	if dryRun {
		args = append(args, "--dry-run")
	}
	return exec(m.Toolbox, args).Stdout(ctx)
}

// History gives what an application had in an environment, and who put it there, as
// JSON, oldest first.
// +cache="never"
func (m *Promote) History(
	ctx context.Context,
	// Project of the application.
	project string,
	// Name of the application.
	app string,
	// Environment.
	environment string,
) (string, error) {
	args := []string{"promote", "history", "--project=" + project, "--app=" + app, "--environment=" + environment, "--json"}
	return exec(m.Toolbox, append(args, m.Git...)).Stdout(ctx)
}

// move is what promotions and rollbacks have in common.
func (m *Promote) move(verb, project, app string, require []string, wait bool, timeout string, pullRequest, dryRun bool, by string) []string {
	args := []string{"promote", verb, "--project=" + project, "--app=" + app, "--json"}
	args = append(args, options("require", strings.Join(require, ","))...)
	for _, more := range [][]string{m.Git, m.Verify, m.Cluster, options("by", by)} {
		args = append(args, more...)
	}
	if wait {
		args = append(args, "--wait", "--timeout="+timeout)
	}
	if pullRequest {
		args = append(append(args, "--pull-request"), m.Forge...)
	}
	if dryRun {
		args = append(args, "--dry-run")
	}
	return args
}
