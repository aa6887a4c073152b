// Small servers for demos and tests, with TLS by a CA of their own: an OCI registry, a Git server, and a double of
// vCenter and its machines.
//
// Everything in here is thrown away at the end of the Dagger session. Not for production.
package main

import (
	"time"

	"dagger/lab/internal/dagger"
)

// Lab starts servers.
type Lab struct {
	// +private
	Toolbox *dagger.Container
	// +private
	GoImage string
}

// New chooses the binary.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// Image that has git, for the Git server.
	// +optional
	// +default="golang:1.26.8-bookworm"
	goImage string,
) *Lab {
	return &Lab{Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{Base: toolbox}), GoImage: goImage}
}

// Tls is a folder with a CA (ca.crt) and a server certificate (tls.crt, tls.key) for
// hosts. It is made anew each day.
// +cache="session"
func (m *Lab) Tls(hosts []string) *dagger.Directory {
	args := []string{"dev", "ca", "--output=/out"}
	for _, h := range hosts {
		args = append(args, "--host="+h)
	}
	return today(m.Toolbox).
		WithExec(args, dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		Directory("/out")
}

// Registry is an OCI registry with the referrers API, on port 5000.
// +cache="session"
func (m *Lab) Registry(
	// Folder with tls.crt and tls.key.
	tls *dagger.Directory,
	// User name that it asks for.
	// +optional
	username string,
	// Password that it asks for.
	// +optional
	password *dagger.Secret,
) *dagger.Service {
	ctr := m.Toolbox.WithMountedDirectory("/run/tls", tls).WithExposedPort(5000)
	args := []string{"dev", "registry", "--addr=0.0.0.0:5000", "--dir=/tmp/registry", "--tls-cert=/run/tls/tls.crt", "--tls-key=/run/tls/tls.key"}
	if password != nil {
		ctr = ctr.WithMountedSecret("/run/secrets/password", password)
		args = append(args, "--username="+username, "--password-file=/run/secrets/password")
	}
	return ctr.AsService(dagger.ContainerAsServiceOpts{Args: args, UseEntrypoint: true})
}

// Git serves bare repositories over https, on port 8443.
// +cache="session"
func (m *Lab) Git(
	// Folder with tls.crt and tls.key.
	tls *dagger.Directory,
	// Repositories to create, as platform/gitops.
	repositories []string,
	// User name that it asks for.
	// +optional
	// +default="git"
	username string,
	// Token that it asks for.
	// +optional
	token *dagger.Secret,
	// Branch that nobody may push to.
	// +optional
	protect string,
) *dagger.Service {
	ctr := dag.Container().From(m.GoImage).
		WithMountedFile("/usr/local/bin/pave", m.Toolbox.File("/usr/local/bin/pave")).
		WithMountedDirectory("/run/tls", tls).
		WithExposedPort(8443)
	args := []string{"pave", "dev", "git", "--addr=0.0.0.0:8443", "--dir=/tmp/git", "--tls-cert=/run/tls/tls.crt", "--tls-key=/run/tls/tls.key"}
	for _, r := range repositories {
		args = append(args, "--create="+r)
	}
	if token != nil {
		ctr = ctr.WithMountedSecret("/run/secrets/token", token)
		args = append(args, "--username="+username, "--token-file=/run/secrets/token")
	}
	if protect != "" {
		args = append(args, "--protect="+protect)
	}
	return ctr.AsService(dagger.ContainerAsServiceOpts{Args: args})
}

// VulnerabilityDatabase is a small database in Trivy's format, made anew each day. It
// knows a few well-known vulnerabilities, and its name says so.
// +cache="session"
func (m *Lab) VulnerabilityDatabase() *dagger.Directory {
	return today(m.Toolbox).
		WithExec([]string{"dev", "vulndb", "--output=/out"}, dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		Directory("/out")
}

// Vcenter is govmomi's simulator of vCenter, on port 8443, with the inventory DC0, DC0_C0, LocalDS_0 and DC0_DVPG0.
// Its machines run a double of Talos at the service's own address, which DHCP gives: a cluster has one control plane
// there and its endpoint is https://HOST:6443.
// +cache="session"
func (m *Lab) Vcenter(
	// Folder with tls.crt and tls.key.
	tls *dagger.Directory,
	// User name that it asks for.
	username string,
	// Password that it asks for.
	password *dagger.Secret,
	// Name that the service is bound to, which is in the certificate.
	// +optional
	// +default="vcenter"
	host string,
) *dagger.Service {
	later := dagger.ContainerWithExposedPortOpts{ExperimentalSkipHealthcheck: true}
	return m.Toolbox.
		WithMountedDirectory("/run/tls", tls).
		WithMountedSecret("/run/secrets/password", password).
		WithExposedPort(8443).
		WithExposedPort(6443, later).
		WithExposedPort(50000, later).
		AsService(dagger.ContainerAsServiceOpts{UseEntrypoint: true, Args: []string{
			"dev", "vcenter", "--addr=0.0.0.0:8443", "--name=" + host, "--dir=/tmp/vcenter", "--tls-cert=/run/tls/tls.crt", "--tls-key=/run/tls/tls.key",
			"--username=" + username, "--password-file=/run/secrets/password", "--talos",
		}})
}

// Ova is a folder with an OVA for vcenter that no machine boots from: talos.ova and talos.ova.sha256.
func (m *Lab) Ova() *dagger.Directory {
	return m.Toolbox.
		WithExec([]string{"dev", "ova", "--output=/out"}, dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		Directory("/out")
}

func today(ctr *dagger.Container) *dagger.Container {
	return ctr.WithEnvVariable("PAVE_TODAY", time.Now().UTC().Format(time.DateOnly))
}
