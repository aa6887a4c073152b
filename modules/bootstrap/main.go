// From an empty vSphere to a Kubernetes API: the machines, the cluster, its status and its recovery.
//
// Phase 1 (vms) needs vCenter, the others need the machines: between them goes vm_creation.outputs.json, with every
// secret sealed by age. Each can be killed anywhere and run again. See https://www.talos.dev.
package main

import (
	"context"

	"dagger/bootstrap/internal/dagger"
)

// Bootstrap makes clusters.
type Bootstrap struct {
	// +private
	Toolbox *dagger.Container
}

// New says what runs the phases.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// PEM file with the platform's root CA, which signed vCenter's certificate.
	// +optional
	ca *dagger.File,
) *Bootstrap {
	return &Bootstrap{Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{Base: toolbox, Ca: ca})}
}

// Vms is phase 1: it makes the machines that are missing and gives vm_creation.outputs.json.
// +cache="never"
func (m *Bootstrap) Vms(
	// Folder with cluster.yaml and the files that it names.
	source *dagger.Directory,
	// User name at vCenter.
	username *dagger.Secret,
	// Password at vCenter.
	password *dagger.Secret,
	// Age identity that opens the cluster's secrets; the first run needs none.
	// +optional
	identity *dagger.Secret,
	// The artefact of an earlier run, which has the cluster's secrets.
	// +optional
	artefact *dagger.File,
	// Path of cluster.yaml in the folder.
	// +optional
	// +default="cluster.yaml"
	file string,
	// How long a machine may take until it has its address.
	// +optional
	// +default="10m"
	timeout string,
) *dagger.File {
	c := m.onVCenter(source, username, password, identity, artefact)
	return pave(c, "bootstrap", "vms", "apply", "--file="+file, "--timeout="+timeout).File(artefactPath)
}

// Plan says what vms would do.
// +cache="never"
func (m *Bootstrap) Plan(
	ctx context.Context,
	// Folder with cluster.yaml and the files that it names.
	source *dagger.Directory,
	// User name at vCenter.
	username *dagger.Secret,
	// Password at vCenter.
	password *dagger.Secret,
	// The artefact of an earlier run.
	// +optional
	artefact *dagger.File,
	// Path of cluster.yaml in the folder.
	// +optional
	// +default="cluster.yaml"
	file string,
	// JSON instead of lines.
	// +optional
	asJson bool,
) (string, error) {
	args := []string{"bootstrap", "vms", "plan", "--file=" + file}
	if asJson {
		args = append(args, "--json")
	}
	return pave(m.onVCenter(source, username, password, nil, artefact), args...).Stdout(ctx)
}

// Destroy removes the cluster's machines, and nothing that does not carry its id. It gives what was removed.
// +cache="never"
func (m *Bootstrap) Destroy(
	ctx context.Context,
	// Folder with cluster.yaml and the files that it names.
	source *dagger.Directory,
	// User name at vCenter.
	username *dagger.Secret,
	// Password at vCenter.
	password *dagger.Secret,
	// The cluster's name, typed.
	// +optional
	confirm string,
	// Path of cluster.yaml in the folder.
	// +optional
	// +default="cluster.yaml"
	file string,
	// Show what would be removed.
	// +optional
	dryRun bool,
) (string, error) {
	args := []string{"bootstrap", "vms", "destroy", "--file=" + file, "--confirm=" + confirm}
	if dryRun {
		args = append(args, "--dry-run")
	}
	return pave(m.onVCenter(source, username, password, nil, nil), args...).Stdout(ctx)
}

// artefactPath is where phase 1 writes.
const artefactPath = "/out/vm_creation.outputs.json"

// onVCenter is the container for what talks to vCenter.
func (m *Bootstrap) onVCenter(source *dagger.Directory, username, password, identity *dagger.Secret, artefact *dagger.File) *dagger.Container {
	c := m.Toolbox.
		WithMountedDirectory("/work", source).
		WithWorkdir("/work").
		WithMountedSecret("/run/secrets/vsphere-username", username).
		WithMountedSecret("/run/secrets/vsphere-password", password).
		WithEnvVariable("PAVE_VSPHERE_USERNAME_FILE", "/run/secrets/vsphere-username").
		WithEnvVariable("PAVE_VSPHERE_PASSWORD_FILE", "/run/secrets/vsphere-password").
		WithEnvVariable("PAVE_ARTEFACT", artefactPath)
	if identity != nil {
		c = c.WithMountedSecret("/run/secrets/age-identity", identity).WithEnvVariable("PAVE_IDENTITY_FILE", "/run/secrets/age-identity")
	}
	if artefact != nil {
		c = c.WithFile(artefactPath, artefact)
	}
	return c
}
