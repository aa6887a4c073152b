package main

import (
	"strings"

	"dagger/pave/internal/dagger"
)

// BuildSettings say how the image is built.
type BuildSettings struct {
	Builder     string
	Platform    dagger.Platform
	MainPackage string
	CompileEnv  []string
	Repository  string
	GoImage     string
	Goproxy     string
}

// RegistrySettings say where images and charts go.
type RegistrySettings struct {
	Host     string
	Charts   string
	User     string
	Password *dagger.Secret
}

// SigningSettings say who signs.
type SigningSettings struct {
	Key         *dagger.Secret
	KeyPassword *dagger.Secret
	Kms         string
	VaultAddr   string
	VaultToken  *dagger.Secret
	Legacy      bool
}

// LimitSettings say what the gates let pass.
type LimitSettings struct {
	MaxCritical        string
	MaxHigh            string
	MaxMedium          string
	MaxLow             string
	OnlyFixed          bool
	IgnoreFile         *dagger.File
	Database           *dagger.Directory
	DatabaseRepository string
}

// standardLimits are those of a golden path without further words.
func standardLimits(database *dagger.Directory, databaseRepository string) LimitSettings {
	return LimitSettings{
		MaxCritical: "3", MaxHigh: "none", MaxMedium: "none", MaxLow: "none",
		Database: database, DatabaseRepository: databaseRepository,
	}
}

// GitOpsSettings say where Argo CD looks.
type GitOpsSettings struct {
	URL        string
	Branch     string
	User       string
	Token      *dagger.Secret
	SSHKey     *dagger.Secret
	KnownHosts *dagger.File
	Kubeconfig *dagger.Secret // nil: the way ends with the commit
	Timeout    string
}

func (g *GoldenPath) image() *dagger.Image {
	return dag.Image(dagger.ImageOpts{
		Toolbox: g.Tools, Ca: g.CA, RegistryUser: g.Registry.User, RegistryPassword: g.Registry.Password,
		GoImage: g.Build.GoImage, Goproxy: g.Build.Goproxy,
	})
}

func (g *GoldenPath) scan() *dagger.Scan {
	opts := dagger.ScanOpts{
		Toolbox: g.Tools, Ca: g.CA, Database: g.Limits.Database, DatabaseRepository: g.Limits.DatabaseRepository,
	}
	if strings.HasPrefix(g.Limits.DatabaseRepository, g.Registry.Host+"/") { // credentials go to their own registry only
		opts.RegistryUser, opts.RegistryPassword = g.Registry.User, g.Registry.Password
	}
	return dag.Scan(opts)
}

func (g *GoldenPath) sign() *dagger.Sign {
	return dag.Sign(dagger.SignOpts{
		Toolbox: g.Tools, Ca: g.CA, RegistryUser: g.Registry.User, RegistryPassword: g.Registry.Password,
		Key: g.Signing.Key, KeyPassword: g.Signing.KeyPassword, Kms: g.Signing.Kms,
		VaultAddr: g.Signing.VaultAddr, VaultToken: g.Signing.VaultToken, Legacy: g.Signing.Legacy,
	})
}

func (g *GoldenPath) contract() *dagger.Contract {
	return dag.Contract(dagger.ContractOpts{Toolbox: g.Tools, IngressDomains: g.IngressDomains})
}

func (g *GoldenPath) chart() *dagger.Chart {
	return dag.Chart(dagger.ChartOpts{
		Toolbox: g.Tools, Ca: g.CA, RegistryUser: g.Registry.User, RegistryPassword: g.Registry.Password,
	})
}

func (g *GoldenPath) gitops() *dagger.Deploy {
	return dag.Deploy(g.GitOps.URL, dagger.DeployOpts{
		Toolbox: g.Tools, Ca: g.CA, Branch: g.GitOps.Branch, Username: g.GitOps.User,
		Token: g.GitOps.Token, SSHKey: g.GitOps.SSHKey, KnownHosts: g.GitOps.KnownHosts,
		Kubeconfig: g.GitOps.Kubeconfig,
	})
}
