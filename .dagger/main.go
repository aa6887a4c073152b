// The golden path of an on-premises developer platform: from source to a scanned, signed,
// attested image and a GitOps commit.
//
// Composed from the modules image, scan, sign, chart and deploy, each of which a team can
// also use alone. See https://github.com/pave-platform/pave.
package main

import "dagger/pave/internal/dagger"

// Pave is the platform's collection of pipelines.
type Pave struct {
	// +private
	Toolbox *dagger.Container
	// +private
	GoImage string
	// +private
	Goproxy string
	// +private
	Prebuilt *dagger.File
}

// New chooses the tools that every pipeline uses.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
	// Image with the Go toolchain.
	// +optional
	// +default="golang:1.26.8-bookworm"
	goImage string,
	// Go module proxy, where the public one cannot be reached.
	// +optional
	goproxy string,
	// A static pave binary that is already built.
	// +optional
	prebuilt *dagger.File,
) *Pave {
	return &Pave{Toolbox: toolbox, GoImage: goImage, Goproxy: goproxy, Prebuilt: prebuilt}
}

// Tools is a container with pave as its entrypoint and nothing else.
func (m *Pave) Tools() *dagger.Container {
	return dag.Toolbox(dagger.ToolboxOpts{GoImage: m.GoImage, Goproxy: m.Goproxy, Prebuilt: m.Prebuilt}).
		Container(dagger.ToolboxContainerOpts{Base: m.Toolbox})
}
