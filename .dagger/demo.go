package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"

	"dagger/pave/internal/dagger"
)

// Demo walks an application along the golden path, with a registry, a Git server, a CA and a
// key that it makes for itself. It gives a folder: report/, summary.json, summary.txt,
// application.yaml, manifests.yaml, cosign.pub, ca.crt, and oci/, an OCI layout with the image and
// everything that refers to it.
// +cache="never"
func (m *Pave) Demo(
	ctx context.Context,
	// The application.
	// +defaultPath="/examples/hello-go"
	// +ignore=["out"]
	source *dagger.Directory,
	// Commit that the source is at.
	// +optional
	// +default="0000000000000000000000000000000000000000"
	commit string,
	// URL of the source repository.
	// +optional
	// +default="https://github.com/pave-platform/pave"
	repository string,
	// Vulnerability database; the public one by default, or a small one made on the spot
	// where the public one cannot be reached.
	// +optional
	database *dagger.Directory,
) (*dagger.Directory, error) {
	tools := m.Tools()
	lab := dag.Lab(dagger.LabOpts{Toolbox: tools, GoImage: m.GoImage})
	tls := lab.TLS([]string{"registry", "git"})
	password, token := dag.SetSecret("demo-registry-password", rand.Text()), dag.SetSecret("demo-git-token", rand.Text())
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	// Started by hand, so that they keep their data until the end.
	registry, err := lab.Registry(tls, dagger.LabRegistryOpts{Username: "demo", Password: password}).Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _, _ = registry.Stop(ctx) }()
	git, err := lab.Git(tls, []string{"platform/gitops"}, dagger.LabGitOpts{Token: token}).Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _, _ = git.Stop(ctx) }()
	if database == nil {
		if database, err = m.anyDatabase(ctx, lab); err != nil {
			return nil, err
		}
	}

	inner := &Pave{Toolbox: tools.WithServiceBinding("registry", registry).WithServiceBinding("git", git), GoImage: m.GoImage, Goproxy: m.Goproxy}
	path := &GoldenPath{
		Commit: commit, Environment: "staging", Source: source, Tools: inner.Tools(), CA: tls.File("ca.crt"),
		Build:    BuildSettings{Builder: "auto", Platform: "linux/amd64", Repository: repository, GoImage: m.GoImage, Goproxy: m.Goproxy},
		Registry: RegistrySettings{Host: "registry:5000", Charts: "registry:5000/platform/charts", User: "demo", Password: password},
		Signing:  SigningSettings{Key: dag.SetSecret("demo-signing-key", key)},
		Limits:   standardLimits(database, ""),
		GitOps:   GitOpsSettings{URL: "https://git:8443/platform/gitops.git", Branch: "main", User: "git", Token: token},
	}
	if err := path.identify(ctx, source, "platform.yaml"); err != nil {
		return nil, err
	}
	report, err := path.Report(ctx)
	if err != nil {
		return nil, err
	}
	ref, err := path.ref(ctx)
	if err != nil {
		return nil, err
	}
	return dag.Directory().
		WithDirectory("report", report).
		WithFile("summary.json", report.File("summary.json")).
		WithFile("summary.txt", report.File("summary.txt")).
		WithFile("application.yaml", report.File("application.yaml")).
		WithFile("manifests.yaml", report.File("manifests.yaml")).
		WithFile("cosign.pub", path.sign().PublicKey()).
		WithFile("ca.crt", path.CA).
		WithDirectory("oci", path.image().Export(ref)).
		Sync(ctx)
}

// anyDatabase is the public vulnerability database, or the lab's small one.
func (m *Pave) anyDatabase(ctx context.Context, lab *dagger.Lab) (*dagger.Directory, error) {
	public, err := m.Tools().
		WithExec([]string{"scan", "database", "--output=/out"}, dagger.ContainerWithExecOpts{UseEntrypoint: true, Expect: dagger.ReturnTypeAny}).
		Sync(ctx)
	if err != nil {
		return nil, err
	}
	if code, err := public.ExitCode(ctx); err != nil || code != 0 {
		return lab.VulnerabilityDatabase(), err
	}
	return public.Directory("/out"), nil
}

// newKey makes a private key that never leaves memory, as PKCS #8 PEM.
func newKey() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}
