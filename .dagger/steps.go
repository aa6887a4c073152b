package main

import (
	"context"
	"errors"

	"dagger/pave/internal/dagger"
)

// Image builds the image and gives it as an OCI tarball. Nothing is published.
// +cache="session"
func (g *GoldenPath) Image() *dagger.File {
	return g.image().Build(g.Source, dagger.ImageBuildOpts{
		Builder: dagger.ImageBuilder(g.Build.Builder), Platform: g.Build.Platform, Revision: g.Commit,
		Labels:      []string{"org.opencontainers.image.title=" + g.Name},
		MainPackage: g.Build.MainPackage, CompileEnv: g.Build.CompileEnv,
	})
}

// Gates lets the image pass or fails with exit code 3 and a table of what exceeded the
// limits. It gives the SBOMs and the scan. Nothing is published.
// +cache="session"
func (g *GoldenPath) Gates(ctx context.Context) (*dagger.Directory, error) {
	return g.verdict().Enforce().Sync(ctx)
}

func (g *GoldenPath) verdict() *dagger.ScanVerdict {
	l := g.Limits
	return g.scan().Gate(g.Image(), dagger.ScanGateOpts{
		MaxCritical: l.MaxCritical, MaxHigh: l.MaxHigh, MaxMedium: l.MaxMedium, MaxLow: l.MaxLow,
		OnlyFixed: l.OnlyFixed, IgnoreFile: l.IgnoreFile,
	})
}

// Publish pushes the image once the gates let it pass, signs it, attests its SBOM, its
// vulnerabilities and its provenance, and verifies all of that. It gives the reference
// that is pinned by digest.
// +cache="never"
func (g *GoldenPath) Publish(ctx context.Context) (string, error) {
	files, err := g.Gates(ctx)
	if err != nil {
		return "", err
	}
	p, err := g.publish(ctx, files)
	if err != nil {
		return "", err
	}
	return p.ref, nil
}

// Manifests renders what the application becomes in Kubernetes: values.yaml for the base
// chart and manifests.yaml. Nothing is published.
// +cache="session"
func (g *GoldenPath) Manifests(ctx context.Context) (*dagger.Directory, error) {
	ref, err := g.ref(ctx)
	if err != nil {
		return nil, err
	}
	return g.manifests(ref)
}

// Deploy publishes and writes the Argo CD Application into the GitOps repository. It
// gives the commit.
// +cache="never"
func (g *GoldenPath) Deploy(ctx context.Context) (string, error) {
	if g.GitOps.URL == "" {
		return "", errors.New("no GitOps repository to deploy through; give --gitops")
	}
	w, err := g.walk(ctx)
	if err != nil {
		return "", err
	}
	if !w.passed {
		_, err := g.Gates(ctx)
		return "", err
	}
	return w.commit, nil
}

// Run goes the whole way, as far as a registry and a GitOps repository are given, and
// gives a short table. A gate that says no ends it with exit code 3.
// +cache="never"
func (g *GoldenPath) Run(ctx context.Context) (string, error) {
	w, err := g.walk(ctx)
	if err != nil {
		return "", err
	}
	if !w.passed {
		_, err := g.Gates(ctx)
		return "", err
	}
	return g.report(w).File("summary.txt").Contents(ctx)
}

// Report goes the whole way like run, and gives a folder: summary.json, report.html, the
// SBOMs, the scan, the provenance, the manifests. A gate that says no ends the way there
// but not the report: it says what was found.
// +cache="never"
func (g *GoldenPath) Report(ctx context.Context) (*dagger.Directory, error) {
	w, err := g.walk(ctx)
	if err != nil {
		return nil, err
	}
	return g.report(w).Sync(ctx)
}

func (g *GoldenPath) report(w *walk) *dagger.Directory {
	return g.Tools.
		WithMountedDirectory("/in", w.files).
		WithExec([]string{"report", "build", "--dir=/in", "--output=/out", "--title=" + g.Project + "/" + g.Name}, dagger.ContainerWithExecOpts{
			UseEntrypoint: true,
		}).
		Directory("/out")
}
