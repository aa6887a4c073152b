package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"dagger/pave/internal/dagger"
)

// GoldenPath is the way of one application from source to a GitOps commit. Its
// functions are the steps of that way; each does what it needs of the steps before.
type GoldenPath struct {
	// Name of the application.
	Name string
	// Project that it belongs to.
	Project string
	// Commit that is built; also the image's tag.
	Commit string
	// Environment that it is deployed to.
	Environment string

	// +private
	Tools *dagger.Container
	// +private
	Source *dagger.Directory
	// +private
	Contract *dagger.File
	// +private
	IngressDomains []string
	// +private
	ValuesFile *dagger.File
	// +private
	CA *dagger.File
	// +private
	Build BuildSettings
	// +private
	Registry RegistrySettings
	// +private
	Signing SigningSettings
	// +private
	Limits LimitSettings
	// +private
	GitOps GitOpsSettings
}

// GoldenPath sets out on the golden path. A valid platform.yaml comes first: without one
// nothing is built.
// +cache="session"
func (m *Pave) GoldenPath(
	ctx context.Context,
	// The application's repository, or its folder in one.
	// +ignore=["out"]
	source *dagger.Directory,
	// Commit that the source is at; read from its .git folder by default.
	// +optional
	commit string,
	// URL of the source repository, for the provenance.
	// +optional
	repository string,
	// The application's contract, a path in the source.
	// +optional
	// +default="platform.yaml"
	contract string,
	// Values of the base chart, a path in the source, instead of a contract; give name and project too.
	// +optional
	values string,
	// Name of an application without a contract.
	// +optional
	name string,
	// Project of an application without a contract.
	// +optional
	project string,
	// Environment to deploy to.
	// +optional
	// +default="staging"
	environment string,
	// Domains that the contract's hosts may be in, as apps.example.internal; any by default.
	// +optional
	ingressDomains []string,
	// PEM file with the platform's root CA.
	// +optional
	ca *dagger.File,

	// How to build the image: auto, go or dockerfile.
	// +optional
	// +default="auto"
	builder string,
	// Platform of the image, as os/arch.
	// +optional
	// +default="linux/amd64"
	platform dagger.Platform,
	// Main package of a Go program; found by itself when there is one.
	// +optional
	mainPackage string,
	// Environment of the Go compiler, as NAME=value.
	// +optional
	compileEnv []string,

	// Registry that images go to, as harbor.example.com: they become <registry>/<project>/<name>.
	// +optional
	registry string,
	// Repository that the base chart goes to; <registry>/platform/charts by default.
	// +optional
	chartRepository string,
	// User name at the registry.
	// +optional
	registryUser string,
	// Password or token at the registry.
	// +optional
	registryPassword *dagger.Secret,

	// Private key that signs, as PEM.
	// +optional
	signingKey *dagger.Secret,
	// Password of the private key.
	// +optional
	signingKeyPassword *dagger.Secret,
	// Key in Vault's transit engine that signs, as hashivault://NAME.
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
	legacySignatures bool,

	// Most CRITICAL vulnerabilities that may pass: a number, or none for no limit.
	// +optional
	// +default="3"
	maxCritical string,
	// Most HIGH vulnerabilities that may pass: a number, or none for no limit.
	// +optional
	// +default="none"
	maxHigh string,
	// Most MEDIUM vulnerabilities that may pass: a number, or none for no limit.
	// +optional
	// +default="none"
	maxMedium string,
	// Most LOW vulnerabilities that may pass: a number, or none for no limit.
	// +optional
	// +default="none"
	maxLow string,
	// Count only vulnerabilities that a newer version fixes.
	// +optional
	onlyFixed bool,
	// YAML list of vulnerabilities to ignore, a path in the source.
	// +optional
	ignoreFile string,
	// Vulnerability database: a folder with trivy.db and metadata.json.
	// +optional
	database *dagger.Directory,
	// Vulnerability database in a registry, as registry/project/trivy-db:2.
	// +optional
	databaseRepository string,

	// GitOps repository to deploy through, as https://host/path.git.
	// +optional
	gitops string,
	// Branch that Argo CD follows.
	// +optional
	// +default="main"
	gitopsBranch string,
	// User name for https.
	// +optional
	gitopsUser string,
	// Token for https.
	// +optional
	gitopsToken *dagger.Secret,
	// Private key for ssh.
	// +optional
	gitopsSshKey *dagger.Secret,
	// Host keys for ssh, as OpenSSH's known_hosts.
	// +optional
	gitopsKnownHosts *dagger.File,
	// Kubeconfig of the cluster that Argo CD runs in: with one, the way ends when the
	// application is Synced and Healthy.
	// +optional
	kubeconfig *dagger.Secret,
	// How long the application may take to become Healthy.
	// +optional
	// +default="10m"
	timeout string,
) (*GoldenPath, error) {
	g := &GoldenPath{
		Name: name, Project: project, Commit: commit, Environment: environment,
		Tools:  m.Tools(),
		Source: source.WithoutDirectory(".git"),
		CA:     ca, IngressDomains: ingressDomains,
		Build: BuildSettings{
			Builder: builder, Platform: platform, MainPackage: mainPackage, CompileEnv: compileEnv,
			Repository: repository, GoImage: m.GoImage, Goproxy: m.Goproxy,
		},
		Registry: RegistrySettings{Host: registry, Charts: chartRepository, User: registryUser, Password: registryPassword},
		Signing: SigningSettings{
			Key: signingKey, KeyPassword: signingKeyPassword, Kms: kms,
			VaultAddr: vaultAddr, VaultToken: vaultToken, Legacy: legacySignatures,
		},
		Limits: LimitSettings{
			MaxCritical: maxCritical, MaxHigh: maxHigh, MaxMedium: maxMedium, MaxLow: maxLow,
			OnlyFixed: onlyFixed, Database: database, DatabaseRepository: databaseRepository,
		},
		GitOps: GitOpsSettings{
			URL: gitops, Branch: gitopsBranch, User: gitopsUser, Token: gitopsToken, SSHKey: gitopsSshKey, KnownHosts: gitopsKnownHosts,
			Kubeconfig: kubeconfig, Timeout: timeout,
		},
	}
	if ignoreFile != "" {
		g.Limits.IgnoreFile = source.File(ignoreFile)
	}
	if values != "" {
		g.ValuesFile = source.File(values)
	}
	if g.Registry.Charts == "" && registry != "" {
		g.Registry.Charts = registry + "/platform/charts"
	}
	// Not joined: a joined error loses the exit code of the step that it comes from.
	if err := g.identify(ctx, source, contract); err != nil {
		return nil, err
	}
	if err := g.findCommit(ctx, source); err != nil {
		return nil, err
	}
	return g, nil
}

// identify reads the contract, which names the application.
func (g *GoldenPath) identify(ctx context.Context, source *dagger.Directory, contract string) error {
	found, err := source.Exists(ctx, contract)
	if err != nil {
		return err
	}
	if !found {
		if g.Name == "" || g.Project == "" {
			return fmt.Errorf("the source has no %s; add one, or give --name and --project", contract)
		}
		return nil
	}
	g.Contract = source.File(contract)
	var id struct{ Name, Project string }
	if err := parse(g.contract().Validate(ctx, g.Contract))(&id); err != nil {
		return err
	}
	g.Name, g.Project = id.Name, id.Project
	return nil
}

// findCommit reads the commit from .git where it is not given.
func (g *GoldenPath) findCommit(ctx context.Context, source *dagger.Directory) error {
	if g.Commit != "" {
		return nil
	}
	found, err := source.Exists(ctx, ".git")
	if err != nil {
		return err
	}
	if !found {
		return errors.New(`the source has no .git folder to read the commit from; give --commit "$(git rev-parse HEAD)"`)
	}
	g.Commit, err = source.AsGit().Head().Commit(ctx)
	return err
}

// parse decodes the JSON result of a step.
func parse(text string, err error) func(into any) error {
	return func(into any) error {
		if err != nil {
			return err
		}
		return json.NewDecoder(strings.NewReader(text)).Decode(into)
	}
}
