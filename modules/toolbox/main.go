// The pave binary, alone in a container.
//
// Every other module runs its steps in the container this one makes. The binary is
// built from the repository that holds this module, at the module's own version; a
// prebuilt one can be given instead. See https://github.com/pave-platform/pave.
package main

import "dagger/toolbox/internal/dagger"

// Toolbox builds the pave binary and the container that steps run in.
type Toolbox struct {
	// +private
	Source *dagger.Directory
	// +private
	GoImage string
	// +private
	Goproxy string
	// +private
	Prebuilt *dagger.File
}

// New says where the binary comes from.
func New(
	// The repository that holds cmd/pave; the module's own by default.
	// +defaultPath="/"
	// +ignore=["*", "!go.mod", "!go.sum", "!cmd", "!steps", "!golden-path", "!bootstrap", "!internal", "**/*_test.go", "**/testdata"]
	source *dagger.Directory,
	// Image with the Go toolchain that compiles the binary.
	// +optional
	// +default="golang:1.26.8-bookworm"
	goImage string,
	// Go module proxy, where the public one cannot be reached.
	// +optional
	goproxy string,
	// A static pave binary that is already built.
	// +optional
	prebuilt *dagger.File,
) *Toolbox {
	return &Toolbox{Source: source, GoImage: goImage, Goproxy: goproxy, Prebuilt: prebuilt}
}

// Binary is the static pave binary for the engine's platform.
func (m *Toolbox) Binary() *dagger.File {
	if m.Prebuilt != nil {
		return m.Prebuilt
	}
	return m.Go().
		WithEnvVariable("GOEXPERIMENT", "jsonv2"). // trivy needs it
		WithMountedDirectory("/src", m.Source).
		WithWorkdir("/src").
		WithExec([]string{"go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", "/out/pave", "./cmd/pave"}).
		File("/out/pave")
}

// Go is a container with the Go toolchain and its caches. Every module that compiles uses
// this one: a cache volume belongs to the module that names it, and one cold build is enough.
func (m *Toolbox) Go() *dagger.Container {
	ctr := dag.Container().From(m.GoImage).
		WithMountedCache("/go/pkg/mod", dag.CacheVolume("pave-go-mod")).
		WithMountedCache("/root/.cache/go-build", dag.CacheVolume("pave-go-build")).
		WithEnvVariable("CGO_ENABLED", "0")
	if m.Goproxy != "" {
		ctr = ctr.WithEnvVariable("GOPROXY", m.Goproxy)
	}
	return ctr
}

// Container holds the pave binary as its entrypoint and nothing else, and knows
// the platform's CA and the registry's credentials.
func (m *Toolbox) Container(
	// A container that has pave as its entrypoint already, with services bound to it for example.
	// +optional
	base *dagger.Container,
	// PEM file with the platform's root CA.
	// +optional
	ca *dagger.File,
	// User name at the registry.
	// +optional
	registryUser string,
	// Password or token at the registry.
	// +optional
	registryPassword *dagger.Secret,
) *dagger.Container {
	ctr := base
	if ctr == nil {
		ctr = dag.Container().
			WithFile("/usr/local/bin/pave", m.Binary(), dagger.ContainerWithFileOpts{Permissions: 0o755}).
			WithEntrypoint([]string{"/usr/local/bin/pave"}).
			WithMountedTemp("/tmp")
	}
	if ca != nil {
		ctr = ctr.
			WithMountedFile("/run/pave/ca.crt", ca).
			WithEnvVariable("PAVE_CA_FILE", "/run/pave/ca.crt")
	}
	if registryUser != "" && registryPassword != nil {
		ctr = ctr.
			WithMountedSecret("/run/secrets/registry-password", registryPassword).
			WithEnvVariable("PAVE_REGISTRY_USERNAME", registryUser).
			WithEnvVariable("PAVE_REGISTRY_PASSWORD_FILE", "/run/secrets/registry-password")
	}
	return ctr
}
