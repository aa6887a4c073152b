package main

import "dagger/pave/internal/dagger"

// ReleaseImage is pave's own binary on its own golden path: `release-image --commit … gates`
// for a look, `… publish` for a release. The image it publishes can be given as toolbox.
func (m *Pave) ReleaseImage(
	// Commit that the source is at.
	commit string,
	// The repository that holds cmd/pave.
	// +defaultPath="/"
	// +ignore=["*", "!go.mod", "!go.sum", "!cmd", "!steps", "!golden-path", "!bootstrap", "!internal", "**/*_test.go", "**/testdata"]
	source *dagger.Directory,
	// Registry that the image goes to, as harbor.example.com: it becomes <registry>/platform/pave.
	// +optional
	registry string,
	// User name at the registry.
	// +optional
	registryUser string,
	// Password or token at the registry.
	// +optional
	registryPassword *dagger.Secret,
	// PEM file with the platform's root CA.
	// +optional
	ca *dagger.File,
	// Private key that signs, as PEM.
	// +optional
	signingKey *dagger.Secret,
	// Password of the private key.
	// +optional
	signingKeyPassword *dagger.Secret,
	// Vulnerability database: a folder with trivy.db and metadata.json.
	// +optional
	database *dagger.Directory,
	// Vulnerability database in a registry, as registry/project/trivy-db:2.
	// +optional
	databaseRepository string,
) *GoldenPath {
	return &GoldenPath{
		Name: "pave", Project: "platform", Commit: commit, Source: source, CA: ca, Tools: m.Tools(),
		Build: BuildSettings{
			Builder: "go", Platform: "linux/amd64", MainPackage: "./cmd/pave", CompileEnv: []string{"GOEXPERIMENT=jsonv2"},
			Repository: home, GoImage: m.GoImage, Goproxy: m.Goproxy,
		},
		Registry: RegistrySettings{Host: registry, User: registryUser, Password: registryPassword, Charts: registry + "/platform/charts"},
		Signing:  SigningSettings{Key: signingKey, KeyPassword: signingKeyPassword},
		Limits:   standardLimits(database, databaseRepository),
	}
}

// home is where this project lives.
const home = "https://github.com/pave-platform/pave"
