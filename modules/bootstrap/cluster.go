package main

import (
	"context"
	"fmt"
	"time"

	"dagger/bootstrap/internal/dagger"
)

// Cluster is phase 2: the machines of the artefact become a Kubernetes cluster. It gives a folder with kubeconfig
// and talosconfig, which are secrets: keep it out of logs and caches.
// +cache="never"
func (m *Bootstrap) Cluster(
	// vm_creation.outputs.json of phase 1.
	artefact *dagger.File,
	// Age identity that opens it.
	identity *dagger.Secret,
	// How long to wait for each of: the nodes, etcd, the Kubernetes API.
	// +optional
	// +default="10m"
	timeout string,
	// The folder that an earlier run gave; what holds for a month stays as it is.
	// +optional
	configs *dagger.Directory,
	// Bitbucket repository whose Downloads get the two files, sealed, as WORKSPACE/REPOSITORY.
	// +optional
	downloads string,
	// Token for the Downloads.
	// +optional
	downloadsToken *dagger.Secret,
) *dagger.Directory {
	c := m.onNodes(artefact, identity)
	if configs != nil {
		c = c.WithDirectory("/out", configs)
	}
	args := []string{"bootstrap", "cluster", "--timeout=" + timeout, "--kubeconfig=/out/kubeconfig", "--talosconfig=/out/talosconfig"}
	if downloads != "" {
		args = append(args, "--downloads="+downloads)
	}
	if downloadsToken != nil {
		c = c.WithMountedSecret("/run/secrets/downloads-token", downloadsToken)
		args = append(args, "--downloads-token-file=/run/secrets/downloads-token")
	}
	return pave(c, args...).Directory("/out")
}

// Status shows every node as a table: stage, versions, services, etcd.
// +cache="never"
func (m *Bootstrap) Status(
	ctx context.Context,
	// vm_creation.outputs.json of phase 1.
	artefact *dagger.File,
	// Age identity that opens it.
	identity *dagger.Secret,
	// JSON instead of a table.
	// +optional
	asJson bool,
) (string, error) {
	args := []string{"bootstrap", "status"}
	if asJson {
		args = append(args, "--json")
	}
	return pave(m.onNodes(artefact, identity), args...).Stdout(ctx)
}

// EtcdSnapshot gives a snapshot of the cluster's etcd, verified. Its name says when it was taken.
// +cache="never"
func (m *Bootstrap) EtcdSnapshot(
	ctx context.Context,
	// vm_creation.outputs.json of phase 1.
	artefact *dagger.File,
	// Age identity that opens it.
	identity *dagger.Secret,
) (*dagger.File, error) {
	out := pave(m.onNodes(artefact, identity), "bootstrap", "etcd-snapshot", "--output-dir=/out").Directory("/out")
	names, err := out.Glob(ctx, "*.snapshot")
	if err != nil {
		return nil, err
	}
	if len(names) != 1 {
		return nil, fmt.Errorf("%d snapshots were taken", len(names))
	}
	return out.File(names[0]), nil
}

// Recover begins the cluster's etcd from a snapshot, on fresh control planes with the same addresses. It gives what
// was done. Everything that was written after the snapshot is lost.
// +cache="never"
func (m *Bootstrap) Recover(
	ctx context.Context,
	// vm_creation.outputs.json of phase 1.
	artefact *dagger.File,
	// Age identity that opens it.
	identity *dagger.Secret,
	// The snapshot; its name tells its age.
	snapshot *dagger.File,
	// The cluster's name, typed.
	confirm string,
	// Control planes whose etcd is thrown away, by name.
	// +optional
	wipe []string,
	// Verify the snapshot, look at the nodes and say what would be done.
	// +optional
	dryRun bool,
) (string, error) {
	name, err := snapshot.Name(ctx)
	if err != nil {
		return "", err
	}
	path := "/in/" + name
	args := []string{
		"bootstrap", "recover", "--snapshot=" + path, "--confirm=" + confirm,
		"--kubeconfig=/out/kubeconfig", "--talosconfig=/out/talosconfig",
	}
	for _, name := range wipe {
		args = append(args, "--wipe="+name)
	}
	if dryRun {
		args = append(args, "--dry-run")
	}
	return pave(m.onNodes(artefact, identity).WithMountedFile(path, snapshot), args...).Stdout(ctx)
}

// onNodes is the container for what talks to the machines.
func (m *Bootstrap) onNodes(artefact *dagger.File, identity *dagger.Secret) *dagger.Container {
	return m.Toolbox.
		WithMountedFile("/in/vm_creation.outputs.json", artefact).
		WithMountedSecret("/run/secrets/age-identity", identity).
		WithEnvVariable("PAVE_ARTEFACT", "/in/vm_creation.outputs.json").
		WithEnvVariable("PAVE_IDENTITY_FILE", "/run/secrets/age-identity")
}

// pave runs a command anew, whatever was run before.
func pave(c *dagger.Container, args ...string) *dagger.Container {
	return c.
		WithEnvVariable("PAVE_RUN", time.Now().String()).
		WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true})
}
