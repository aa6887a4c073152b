// Signatures and attestations of container images, made and verified with Cosign's libraries.
//
// Sigstore bundles by default, stored as OCI referrers; Cosign's older layout by flag.
// Offline unless a transparency log is named. See https://docs.sigstore.dev.
package main

import (
	"context"
	"strings"
	"time"

	"dagger/sign/internal/dagger"
)

// Sign signs, attests and verifies.
type Sign struct {
	// +private
	Toolbox *dagger.Container
	// +private
	KeyArgs []string
	// +private
	StoreArgs []string
}

// New chooses the key: a PEM private key, or one in Vault's transit engine.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// PEM file with the platform's root CA.
	// +optional
	ca *dagger.File,
	// User name at the registry.
	// +optional
	registryUser string,
	// Password or token at the registry.
	// +optional
	registryPassword *dagger.Secret,
	// Private key, as PEM.
	// +optional
	key *dagger.Secret,
	// Password of the private key.
	// +optional
	keyPassword *dagger.Secret,
	// Key in Vault's transit engine, as hashivault://NAME.
	// +optional
	kms string,
	// Address of Vault.
	// +optional
	vaultAddr string,
	// Token for Vault.
	// +optional
	vaultToken *dagger.Secret,
	// Cosign's older layout (.sig and .att tags) instead of bundles.
	// +optional
	legacy bool,
	// Transparency log to record signatures in.
	// +optional
	rekorUrl string,
) *Sign {
	m := &Sign{Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{
		Base: toolbox, Ca: ca, RegistryUser: registryUser, RegistryPassword: registryPassword,
	})}
	if key != nil {
		m.Toolbox = m.Toolbox.WithMountedSecret("/run/secrets/signing-key", key)
		m.KeyArgs = append(m.KeyArgs, "--key-file=/run/secrets/signing-key")
	}
	if keyPassword != nil {
		m.Toolbox = m.Toolbox.WithMountedSecret("/run/secrets/signing-key-password", keyPassword)
		m.KeyArgs = append(m.KeyArgs, "--key-password-file=/run/secrets/signing-key-password")
	}
	if kms != "" {
		m.Toolbox = m.Toolbox.WithEnvVariable("VAULT_ADDR", vaultAddr)
		m.KeyArgs = append(m.KeyArgs, "--kms="+kms)
	}
	if vaultToken != nil {
		m.Toolbox = m.Toolbox.WithMountedSecret("/run/secrets/vault-token", vaultToken)
		m.KeyArgs = append(m.KeyArgs, "--vault-token-file=/run/secrets/vault-token")
	}
	if legacy {
		m.StoreArgs = append(m.StoreArgs, "--legacy")
	}
	if rekorUrl != "" {
		m.StoreArgs = append(m.StoreArgs, "--rekor-url="+rekorUrl)
	}
	return m
}

// Image signs a published image. One that this key has signed is left as it is.
// +cache="never"
func (m *Sign) Image(
	ctx context.Context,
	// The image, as registry/project/app@sha256:….
	ref string,
) (string, error) {
	return m.now().
		WithExec(m.args("sign", "image", "--ref="+ref, "--json"), entrypoint).
		Stdout(ctx)
}

// Attest attaches signed attestations to a published image. One that is there with
// the same content is left as it is.
// +cache="never"
func (m *Sign) Attest(
	ctx context.Context,
	// The image, as registry/project/app@sha256:….
	ref string,
	// SBOM as SPDX JSON.
	// +optional
	spdx *dagger.File,
	// SBOM as CycloneDX JSON.
	// +optional
	cyclonedx *dagger.File,
	// Vulnerability report: vuln.json of the scan module's gate.
	// +optional
	vuln *dagger.File,
	// SLSA provenance v1 predicate, as provenance makes it.
	// +optional
	provenance *dagger.File,
) (string, error) {
	ctr, args := m.now(), m.args("sign", "attest", "--ref="+ref, "--json")
	for _, p := range []struct {
		kind string
		file *dagger.File
	}{{"spdx", spdx}, {"cyclonedx", cyclonedx}, {"vuln", vuln}, {"slsaprovenance1", provenance}} {
		if p.file == nil {
			continue
		}
		path := "/in/" + p.kind + ".json"
		ctr = ctr.WithMountedFile(path, p.file)
		args = append(args, "--predicate="+p.kind+"="+path)
	}
	return ctr.WithExec(args, entrypoint).Stdout(ctx)
}

// Provenance makes a SLSA provenance v1 predicate: what was built, from which commit,
// with which parameters.
func (m *Sign) Provenance(
	// URL of the source repository.
	repository string,
	// Commit that was built.
	commit string,
	// Parameters of the build, as key=value. They are published: no secrets.
	// +optional
	parameters []string,
	// URI that identifies the builder.
	// +optional
	builderId string,
) *dagger.File {
	args := []string{"sign", "provenance", "--repository=" + repository, "--commit=" + commit, "--output=/out/provenance.json"}
	for _, p := range parameters {
		args = append(args, "--parameter="+p)
	}
	if builderId != "" {
		args = append(args, "--builder-id="+builderId)
	}
	return m.Toolbox.WithExec(args, entrypoint).File("/out/provenance.json")
}

// Verify checks the signature and the attestations of a published image; it fails
// with exit code 3 when one is missing, forged or by another key.
// +cache="never"
func (m *Sign) Verify(
	ctx context.Context,
	// The image, as registry/project/app@sha256:….
	ref string,
	// Public key, as PEM; that of the signing key by default.
	// +optional
	publicKey *dagger.File,
	// Attestations that must be there: spdx, cyclonedx, vuln, slsaprovenance1 or a predicate type's URI.
	// +optional
	require []string,
	// Commit that the provenance must name.
	// +optional
	commit string,
) (string, error) {
	args := []string{"sign", "verify", "--ref=" + ref, "--json"}
	ctr := m.now()
	if publicKey == nil {
		publicKey = m.PublicKey()
	}
	ctr = ctr.WithMountedFile("/in/cosign.pub", publicKey)
	args = append(args, "--public-key=/in/cosign.pub")
	if len(require) > 0 {
		args = append(args, "--require="+strings.Join(require, ","))
	}
	if commit != "" {
		args = append(args, "--provenance-commit="+commit)
	}
	return ctr.WithExec(args, entrypoint).Stdout(ctx)
}

// Seal does at once what a pipeline does with a published image: it signs the image,
// attests its SBOMs, its vulnerabilities and its provenance, and verifies all of that. It
// gives a folder: sign.json, attest.json, verify.json and provenance.json.
// +cache="never"
func (m *Sign) Seal(
	ctx context.Context,
	// The image, as registry/project/app@sha256:….
	ref string,
	// Folder with sbom.spdx.json, sbom.cdx.json and vuln.json, as the scan module's gate makes it.
	evidence *dagger.Directory,
	// URL of the source repository.
	repository string,
	// Commit that was built.
	commit string,
	// Parameters of the build, as key=value. They are published: no secrets.
	// +optional
	parameters []string,
) (*dagger.Directory, error) {
	provenance := m.Provenance(repository, commit, parameters, "")
	exec := func(ctr *dagger.Container, name string, args ...string) *dagger.Container {
		return ctr.WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true, RedirectStdout: "/out/" + name})
	}
	ctr := m.now().
		WithDirectory("/out", dag.Directory().WithFile("provenance.json", provenance)).
		WithMountedDirectory("/in", evidence).
		WithExec(m.publicKey(), entrypoint)
	ctr = exec(ctr, "sign.json", m.args("sign", "image", "--ref="+ref, "--json")...)
	ctr = exec(ctr, "attest.json", m.args("sign", "attest", "--ref="+ref, "--json",
		"--predicate=spdx=/in/sbom.spdx.json", "--predicate=cyclonedx=/in/sbom.cdx.json",
		"--predicate=vuln=/in/vuln.json", "--predicate=slsaprovenance1=/out/provenance.json")...)
	ctr = exec(ctr, "verify.json", "sign", "verify", "--ref="+ref, "--json", "--public-key="+publicKeyFile,
		"--require=spdx,cyclonedx,vuln,slsaprovenance1", "--provenance-commit="+commit)
	return ctr.Directory("/out").Sync(ctx)
}

// PublicKey is the public half of the signing key, as PEM.
// +cache="session"
func (m *Sign) PublicKey() *dagger.File {
	return m.now().WithExec(m.publicKey(), entrypoint).File(publicKeyFile)
}

// publicKeyFile is outside of what sealing gives.
const publicKeyFile = "/run/pave/cosign.pub"

// publicKey is the command that writes publicKeyFile. It has to run anew: the engine knows
// a secret by its name, and would give the public half of another key of that name.
func (m *Sign) publicKey() []string {
	return append([]string{"sign", "public-key", "--output=" + publicKeyFile}, m.KeyArgs...)
}

func (m *Sign) args(args ...string) []string {
	return append(append(args, m.KeyArgs...), m.StoreArgs...)
}

// now is the container with a changing variable: what runs in it is not cached.
func (m *Sign) now() *dagger.Container {
	return m.Toolbox.WithEnvVariable("PAVE_RUN", time.Now().String())
}

// entrypoint makes the arguments of an exec those of pave.
var entrypoint = dagger.ContainerWithExecOpts{UseEntrypoint: true}
