// What the cluster refuses: the platform's Kyverno policies, rendered and applied to manifests.
//
// See https://kyverno.io, API policies.kyverno.io/v1.
package main

import (
	"context"
	"strconv"

	"dagger/policy/internal/dagger"
)

// Policy renders the platform's policies and judges manifests by them.
type Policy struct {
	// +private
	Toolbox *dagger.Container
	// +private
	Registries []string
}

// New says where images may come from.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// Where images may come from: a host, or a host and a path, as harbor.example.com/demo.
	// +optional
	allowedRegistries []string,
) *Policy {
	m := &Policy{Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{Base: toolbox})}
	for _, r := range allowedRegistries {
		m.Registries = append(m.Registries, "--allowed-registry="+r)
	}
	return m
}

// Render is the policies of a platform, as one YAML file for the cluster.
func (m *Policy) Render(
	// Public key that images are signed with, as PEM.
	publicKey *dagger.File,
	// How many days away the end of an exception may be.
	// +optional
	// +default=90
	exceptionDays int,
	// Secrets in Kyverno's namespace that log in to the registries.
	// +optional
	pullSecrets []string,
) *dagger.File {
	args := append([]string{
		"policy", "render", "--public-key=/in/cosign.pub", "--exception-days=" + strconv.Itoa(exceptionDays), "--output=/out/policies.yaml",
	}, m.Registries...)
	for _, s := range pullSecrets {
		args = append(args, "--pull-secret="+s)
	}
	return m.Toolbox.
		WithMountedFile("/in/cosign.pub", publicKey).
		WithExec(args, entrypoint).
		File("/out/policies.yaml")
}

// Check judges manifests by the policies that need neither a cluster nor a registry, and
// fails with exit code 3 and a table of what is refused.
func (m *Policy) Check(
	ctx context.Context,
	// Kubernetes manifests, as the chart module's template makes them.
	manifests *dagger.File,
	// Policies as render makes them; those that come with pave by default.
	// +optional
	policies *dagger.File,
) (string, error) {
	ctr := m.Toolbox.WithWorkdir("/in").WithMountedFile("/in/manifests.yaml", manifests)
	args := append([]string{"policy", "check", "--manifests=manifests.yaml"}, m.Registries...)
	if policies != nil {
		ctr = ctr.WithMountedFile("/in/policies.yaml", policies)
		args = append(args, "--policies=policies.yaml")
	}
	return ctr.WithExec(args, entrypoint).Stdout(ctx)
}

// entrypoint makes the arguments of an exec those of pave.
var entrypoint = dagger.ContainerWithExecOpts{UseEntrypoint: true}
