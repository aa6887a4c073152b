// Container images: built without a Dockerfile or with one, published by digest.
//
// An image travels as an OCI tarball until it is published, so that gates can look at
// it first. The same source gives the same digest on every machine.
package main

import (
	"context"
	"fmt"
	"time"

	"dagger/image/internal/dagger"
)

// Builder is a way from source to image.
type Builder string

const (
	// Dockerfile where the source has one, else go.
	Auto Builder = "auto"
	// Compile a Go program and assemble a minimal non-root image.
	Go Builder = "go"
	// Build the Dockerfile with the engine's BuildKit.
	Dockerfile Builder = "dockerfile"
)

// Image builds and publishes container images.
type Image struct {
	// +private
	Toolbox *dagger.Container
	// +private
	CA *dagger.File
	// +private
	GoImage string
	// +private
	Goproxy string
}

// New sets up the registry's credentials and the compiler.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// PEM file with the platform's root CA; also put into images that the go builder makes.
	// +optional
	ca *dagger.File,
	// User name at the registry.
	// +optional
	registryUser string,
	// Password or token at the registry.
	// +optional
	registryPassword *dagger.Secret,
	// Image with the Go toolchain for the go builder.
	// +optional
	// +default="golang:1.26.8-bookworm"
	goImage string,
	// Go module proxy, where the public one cannot be reached.
	// +optional
	goproxy string,
) *Image {
	return &Image{
		Toolbox: dag.Toolbox(dagger.ToolboxOpts{GoImage: goImage, Goproxy: goproxy}).Container(dagger.ToolboxContainerOpts{
			Base: toolbox, Ca: ca, RegistryUser: registryUser, RegistryPassword: registryPassword,
		}),
		CA: ca, GoImage: goImage, Goproxy: goproxy,
	}
}

// Build makes an image and gives it as an OCI tarball.
//
// Remembered per session only: the result still names where its source came from, and
// another checkout with the same content may be gone by the time a later one asks for it.
// What it executes stays cached.
// +cache="session"
func (m *Image) Build(
	ctx context.Context,
	// The application's repository, or the folder in it that holds the program.
	// +ignore=[".git", "out"]
	source *dagger.Directory,
	// How to build it.
	// +optional
	// +default="auto"
	builder Builder,
	// Platform of the image, as os/arch.
	// +optional
	// +default="linux/amd64"
	platform dagger.Platform,
	// Commit that the source is at; becomes the label org.opencontainers.image.revision.
	// +optional
	revision string,
	// Further labels, as key=value.
	// +optional
	labels []string,
	// Main package of a Go program, as ./cmd/app; found by itself when there is one.
	// +optional
	mainPackage string,
	// Environment of the Go compiler, as NAME=value.
	// +optional
	compileEnv []string,
	// Port that the program listens on, exposed by an image of the go builder.
	// +optional
	port int,
	// Path of the Dockerfile in the source.
	// +optional
	// +default="Dockerfile"
	dockerfile string,
	// Stage of the Dockerfile to build.
	// +optional
	target string,
) (*dagger.File, error) {
	if builder == Auto {
		found, err := source.Exists(ctx, dockerfile)
		if err != nil {
			return nil, err
		}
		if builder = Go; found {
			builder = Dockerfile
		}
	}
	common := []string{"--platform=" + string(platform)}
	if revision != "" {
		common = append(common, "--revision="+revision)
	}
	for _, l := range labels {
		common = append(common, "--label="+l)
	}
	if builder == Dockerfile {
		return m.fromDockerfile(source, platform, dockerfile, target, common[1:]), nil
	}
	if mainPackage != "" {
		common = append(common, "--package="+mainPackage)
	}
	for _, e := range compileEnv {
		common = append(common, "--env="+e)
	}
	if port != 0 {
		common = append(common, fmt.Sprintf("--port=%d", port))
	}
	return m.fromGo(source, common), nil
}

func (m *Image) fromGo(source *dagger.Directory, args []string) *dagger.File {
	ctr := dag.Toolbox(dagger.ToolboxOpts{GoImage: m.GoImage, Goproxy: m.Goproxy}).Go().
		WithMountedFile("/usr/local/bin/pave", m.Toolbox.File("/usr/local/bin/pave")).
		WithMountedDirectory("/src", source)
	if m.CA != nil {
		ctr = ctr.WithMountedFile("/run/pave/ca.crt", m.CA).WithEnvVariable("PAVE_CA_FILE", "/run/pave/ca.crt")
	}
	return ctr.
		WithExec(append([]string{"pave", "image", "build", "--source=/src", "--output=/out/image.tar"}, args...)).
		File("/out/image.tar")
}

func (m *Image) fromDockerfile(source *dagger.Directory, platform dagger.Platform, dockerfile, target string, args []string) *dagger.File {
	built := source.DockerBuild(dagger.DirectoryDockerBuildOpts{
		Dockerfile: dockerfile, Platform: platform, Target: target,
	}).AsTarball(dagger.ContainerAsTarballOpts{ForcedCompression: dagger.ImageLayerCompressionUncompressed})
	return m.Toolbox.
		WithMountedFile("/in/image.tar", built).
		WithExec(append([]string{"image", "normalize", "--tarball=/in/image.tar", "--output=/out/image.tar"}, args...), entrypoint).
		File("/out/image.tar")
}

// Publish pushes an OCI tarball, and gives the reference that is pinned by digest.
// An image that is there already is not pushed again.
// +cache="never"
func (m *Image) Publish(
	ctx context.Context,
	// OCI tarball, as build makes it.
	tarball *dagger.File,
	// Where to, as registry/project/app:tag.
	ref string,
) (string, error) {
	return m.Toolbox.
		WithMountedFile("/in/image.tar", tarball).
		WithEnvVariable("PAVE_RUN", time.Now().String()).
		WithExec([]string{"image", "publish", "--tarball=/in/image.tar", "--ref=" + ref, "--json"}, entrypoint).
		Stdout(ctx)
}

// Inspect describes an OCI tarball as JSON: digest, platform, size, labels, layers.
func (m *Image) Inspect(
	ctx context.Context,
	// OCI tarball, as build makes it.
	tarball *dagger.File,
) (string, error) {
	return m.Toolbox.
		WithMountedFile("/in/image.tar", tarball).
		WithExec([]string{"image", "inspect", "--tarball=/in/image.tar", "--json"}, entrypoint).
		Stdout(ctx)
}

// Export gives an OCI layout with a published image and everything that refers to
// it: signatures, attestations, SBOMs.
// +cache="never"
func (m *Image) Export(
	ctx context.Context,
	// The image, as registry/project/app@sha256:….
	ref string,
) (*dagger.Directory, error) {
	return m.Toolbox.
		WithEnvVariable("PAVE_RUN", time.Now().String()).
		WithExec([]string{"image", "export", "--ref=" + ref, "--output=/out/oci"}, entrypoint).
		Directory("/out/oci").
		Sync(ctx)
}

// entrypoint makes the arguments of an exec those of pave.
var entrypoint = dagger.ContainerWithExecOpts{UseEntrypoint: true}
