// Software bills of materials of container images, made with Syft.
//
// Works on the OCI tarball, before the image is published. See https://github.com/anchore/syft.
package main

import "dagger/sbom/internal/dagger"

// Sbom lists what an image holds.
type Sbom struct {
	// +private
	Toolbox *dagger.Container
}

// New chooses the binary.
func New(
	// Container with pave as its entrypoint; built from source by default.
	// +optional
	toolbox *dagger.Container,
) *Sbom {
	return &Sbom{Toolbox: dag.Toolbox().Container(dagger.ToolboxContainerOpts{Base: toolbox})}
}

// Files holds the SBOM in each format: sbom.spdx.json and sbom.cdx.json.
func (m *Sbom) Files(
	// OCI tarball of the image.
	tarball *dagger.File,
) *dagger.Directory {
	return m.Toolbox.
		WithMountedFile("/in/image.tar", tarball).
		WithExec([]string{"sbom", "create", "--tarball=/in/image.tar", "--output=/out"}, dagger.ContainerWithExecOpts{UseEntrypoint: true}).
		Directory("/out")
}

// Spdx is the SBOM as SPDX 2.3 JSON.
func (m *Sbom) Spdx(
	// OCI tarball of the image.
	tarball *dagger.File,
) *dagger.File {
	return m.Files(tarball).File("sbom.spdx.json")
}

// Cyclonedx is the SBOM as CycloneDX JSON.
func (m *Sbom) Cyclonedx(
	// OCI tarball of the image.
	tarball *dagger.File,
) *dagger.File {
	return m.Files(tarball).File("sbom.cdx.json")
}
