// Approved images, charts and databases from public registries, in your own.
//
// A list says what is wanted, a lock beside it which content of it was approved; only
// that is copied, and signed. A tag that moves upstream is shown, never followed.
// See https://github.com/pave-platform/pave/blob/main/docs/mirror.md.
package main

import (
	"context"
	"time"

	"dagger/mirror/internal/dagger"
)

// Mirror brings approved content to the platform's registry.
type Mirror struct {
	// +private
	Toolbox *dagger.Container
	// +private
	Source *dagger.Directory
	// +private
	Args []string
	// +private
	ScanArgs []string
	// +private
	KeyArgs []string
}

// New says where the list is, how to reach the registries, and with which key to sign.
func New(
	// Folder with images.yaml, images.lock.yaml and the publishers' keys.
	source *dagger.Directory,
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// PEM file with the platform's root CA.
	// +optional
	ca *dagger.File,
	// User name at the target's registry.
	// +optional
	registryUser string,
	// Password or token at the target's registry.
	// +optional
	registryPassword *dagger.Secret,
	// Docker configuration file with the logins at the sources.
	// +optional
	dockerConfig *dagger.Secret,
	// Registry and project to mirror to, instead of the list's.
	// +optional
	target string,
	// Folder with trivy.db and metadata.json.
	// +optional
	database *dagger.Directory,
	// Repository of the vulnerability database, as registry/project/trivy-db:2.
	// +optional
	databaseRepository string,
	// Private key of the platform, as PEM.
	// +optional
	key *dagger.Secret,
	// Password of the private key.
	// +optional
	keyPassword *dagger.Secret,
	// Key of the platform in Vault's transit engine, as hashivault://NAME.
	// +optional
	kms string,
	// Address of Vault.
	// +optional
	vaultAddr string,
	// Token for Vault.
	// +optional
	vaultToken *dagger.Secret,
	// User or robot at Harbor's API: makes the project if it is missing.
	// +optional
	harborUser string,
	// Password or token at Harbor's API.
	// +optional
	harborToken *dagger.Secret,
) *Mirror {
	m := &Mirror{
		Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{
			Base: toolbox, Ca: ca, RegistryUser: registryUser, RegistryPassword: registryPassword,
		}),
		Source: source,
		Args:   []string{"--list=/in/images.yaml", "--json"},
	}
	if dockerConfig != nil {
		m.Toolbox = m.Toolbox.
			WithMountedSecret("/run/docker/config.json", dockerConfig).
			WithEnvVariable("DOCKER_CONFIG", "/run/docker")
	}
	if target != "" {
		m.Args = append(m.Args, "--target="+target)
	}
	if database != nil {
		m.Toolbox = m.Toolbox.WithMountedDirectory("/run/pave/database", database)
		m.ScanArgs = append(m.ScanArgs, "--database=/run/pave/database")
	}
	if databaseRepository != "" {
		m.ScanArgs = append(m.ScanArgs, "--database-repository="+databaseRepository)
	}
	if kms != "" {
		m.Toolbox = m.Toolbox.WithEnvVariable("VAULT_ADDR", vaultAddr)
		m.KeyArgs = append(m.KeyArgs, "--kms="+kms)
	}
	if harborUser != "" {
		m.KeyArgs = append(m.KeyArgs, "--harbor-username="+harborUser)
	}
	m.secret("--key-file=", "signing-key", key)
	m.secret("--key-password-file=", "signing-key-password", keyPassword)
	m.secret("--vault-token-file=", "vault-token", vaultToken)
	m.secret("--harbor-token-file=", "harbor-token", harborToken)
	return m
}

// secret mounts one of the secrets that runs and imports need.
func (m *Mirror) secret(flag, name string, s *dagger.Secret) {
	if s != nil {
		m.Toolbox = m.Toolbox.WithMountedSecret("/run/secrets/"+name, s)
		m.KeyArgs = append(m.KeyArgs, flag+"/run/secrets/"+name)
	}
}

// Plan shows what is different upstream and at the target from what was approved, as JSON.
// +cache="never"
func (m *Mirror) Plan(
	ctx context.Context,
	// Leave out the scan, and with it the difference in vulnerabilities.
	// +optional
	noScan bool,
	// Fail with exit code 3 if something needs an approval.
	// +optional
	exitCode bool,
) (string, error) {
	args := m.args(m.ScanArgs, "plan")
	if noScan {
		args = append(args, "--no-scan")
	}
	if exitCode {
		args = append(args, "--exit-code")
	}
	return m.exec(args).Stdout(ctx)
}

// Approve proposes a lock with what upstream has now. What exceeds the limits, or has no
// valid signature of its publisher, fails with exit code 3 unless there is a reason.
// +cache="never"
func (m *Mirror) Approve(
	ctx context.Context,
	// Who approves.
	by string,
	// What to approve, as alpine, alpine:3.22 or alpine:3.22@sha256:…; everything by default.
	// +optional
	refs []string,
	// Why what speaks against it does not count.
	// +optional
	reason string,
) (*dagger.Changeset, error) {
	args := append(m.args(m.ScanArgs, "approve"), "--by="+by)
	if reason != "" {
		args = append(args, "--reason="+reason)
	}
	if len(refs) == 0 {
		args = append(args, "--all")
	}
	ran, err := m.exec(append(args, refs...)).Sync(ctx)
	if err != nil {
		return nil, err
	}
	lock := ran.File("/in/images.lock.yaml")
	return m.Source.WithFile("images.lock.yaml", lock).Changes(m.Source), nil
}

// Run copies what was approved and is missing at the target, signs it and tags it, and
// says what it did, as JSON.
// +cache="never"
func (m *Mirror) Run(
	ctx context.Context,
	// Remove tags that left the list.
	// +optional
	prune bool,
	// Sign what is there already too, as after a change of keys.
	// +optional
	signAll bool,
	// Read, compare and scan, and write nothing.
	// +optional
	dryRun bool,
) (string, error) {
	args := m.args(append(m.ScanArgs, m.KeyArgs...), "run")
	for flag, set := range map[string]bool{"--prune": prune, "--sign-all": signAll, "--dry-run": dryRun} {
		if set {
			args = append(args, flag)
		}
	}
	return m.exec(args).Stdout(ctx)
}

// Export is what was approved as one OCI layout in a tar file, for the other side of an
// air gap.
// +cache="never"
func (m *Mirror) Export(
	// Inventory of the other side: what it has is left out.
	// +optional
	have *dagger.File,
) *dagger.File {
	args := append(m.args(m.ScanArgs, "export"), "--archive=/out/mirror.tar")
	ctr := m.Toolbox.WithDirectory("/out", dag.Directory())
	if have != nil {
		ctr = ctr.WithMountedFile("/run/pave/inventory.json", have)
		args = append(args, "--have=/run/pave/inventory.json")
	}
	return m.in(ctr, args).File("/out/mirror.tar")
}

// Import brings an archive of an export to the target, signs what was in it, and gives
// the inventory that the next export takes.
// +cache="never"
func (m *Mirror) Import(
	ctx context.Context,
	// Archive of an export.
	archive *dagger.File,
	// Digest that the export gave, if it came by another way.
	// +optional
	digest string,
	// Inventory of the import before.
	// +optional
	inventory *dagger.File,
) (*dagger.File, error) {
	args := append(m.args(m.KeyArgs, "import"), "--archive=/run/pave/mirror.tar", "--inventory=/out/inventory.json")
	if digest != "" {
		args = append(args, "--digest="+digest)
	}
	ctr := m.Toolbox.WithMountedFile("/run/pave/mirror.tar", archive).WithDirectory("/out", dag.Directory())
	if inventory != nil {
		ctr = ctr.WithFile("/out/inventory.json", inventory)
	}
	ran, err := m.in(ctr, args).Sync(ctx)
	if err != nil {
		return nil, err
	}
	return ran.File("/out/inventory.json"), nil
}

// Status says what the target has of what was approved, as JSON.
// +cache="never"
func (m *Mirror) Status(ctx context.Context) (string, error) {
	return m.exec(m.args(nil, "status")).Stdout(ctx)
}

func (m *Mirror) args(more []string, verb string) []string {
	return append(append([]string{"mirror", verb}, m.Args...), more...)
}

func (m *Mirror) exec(args []string) *dagger.Container { return m.in(m.Toolbox, args) }

// in runs pave with a copy of the source, anew each time: registries change.
func (m *Mirror) in(ctr *dagger.Container, args []string) *dagger.Container {
	return ctr.
		WithDirectory("/in", m.Source).
		WithEnvVariable("PAVE_RUN", time.Now().String()).
		WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true})
}
