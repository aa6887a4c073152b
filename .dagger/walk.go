package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"dagger/pave/internal/dagger"
)

// walk is one walk along the golden path: what each step left behind.
type walk struct {
	passed bool   // whether the gates let the image pass
	commit string // of the deploy, if there was one
	files  *dagger.Directory
}

// published is what publish did: the result of the push, and those of sealing the image.
type published struct {
	ref, push string
	seal      *dagger.Directory
}

// walk goes as far as a registry and a GitOps repository are given. The base chart is
// pushed while the image is; both are there before the deploy names them.
func (g *GoldenPath) walk(ctx context.Context) (*walk, error) {
	described, err := g.image().Inspect(ctx, g.Image())
	if err != nil {
		return nil, err
	}
	w := &walk{}
	if w.passed, err = g.verdict().Passed(ctx); err != nil {
		return nil, err
	}
	gates := g.verdict().Files()
	w.files = dag.Directory().WithDirectory("/", gates).WithNewFile("image.json", described)
	ref, err := g.pinned(described)
	if err != nil {
		return nil, err
	}
	manifests, err := g.manifests(ref)
	if err != nil {
		return nil, err
	}
	w.files = w.files.WithDirectory("/", manifests)
	if !w.passed || g.Registry.Host == "" {
		return w, nil
	}

	var p *published
	var chart string
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { p, err = g.publish(groupCtx, gates); return })
	group.Go(func() (err error) { chart, err = g.chart().Push(groupCtx, g.Registry.Charts); return })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	w.files = w.files.
		WithNewFile("publish.json", p.push).
		WithDirectory("/", p.seal).
		WithNewFile("chart.json", chart)
	if g.GitOps.URL == "" || !g.deployable() {
		return w, nil
	}
	return w, g.deploy(ctx, w, ref, chart, manifests.File("values.yaml"))
}

// publish pushes, signs, attests and verifies.
func (g *GoldenPath) publish(ctx context.Context, gates *dagger.Directory) (*published, error) {
	if g.Registry.Host == "" {
		return nil, errors.New("no registry to publish to; give --registry")
	}
	if g.Signing.Key == nil && g.Signing.Kms == "" {
		return nil, errors.New("no key to sign with; give --signing-key or --kms")
	}
	p := &published{}
	var err error
	if p.push, err = g.image().Publish(ctx, g.Image(), g.repository()+":"+g.Commit); err != nil {
		return nil, err
	}
	var pushed struct{ Ref string }
	if err := json.Unmarshal([]byte(p.push), &pushed); err != nil {
		return nil, err
	}
	p.ref = pushed.Ref
	p.seal, err = g.sign().Seal(p.ref, gates, g.sourceURL(), g.Commit, dagger.SignSealOpts{Parameters: g.parameters()}).Sync(ctx)
	return p, err
}

// deploy writes the Argo CD Application.
func (g *GoldenPath) deploy(ctx context.Context, w *walk, ref, chart string, values *dagger.File) error {
	var pushed struct{ Name, Version string }
	if err := json.Unmarshal([]byte(chart), &pushed); err != nil {
		return err
	}
	result, err := g.gitops().App(ctx, g.Name, g.Project, ref, g.Registry.Charts, pushed.Version, values, dagger.DeployAppOpts{
		Environment: g.Environment, Chart: pushed.Name, Revision: g.Commit,
		Wait: g.GitOps.Kubeconfig != nil, Timeout: g.GitOps.Timeout,
	})
	if err != nil {
		return err
	}
	var deployed struct{ Commit, Manifest string }
	if err := json.Unmarshal([]byte(result), &deployed); err != nil {
		return err
	}
	w.commit = deployed.Commit
	w.files = w.files.WithNewFile("deploy.json", result).WithNewFile("application.yaml", deployed.Manifest)
	return nil
}

// manifests renders values and manifests for the image; an application that is only
// published, not deployed, has none.
func (g *GoldenPath) manifests(ref string) (*dagger.Directory, error) {
	if !g.deployable() {
		return dag.Directory(), nil
	}
	values := g.ValuesFile
	if values == nil {
		values = g.chart().Values(g.Contract, ref, dagger.ChartValuesOpts{Environment: g.Environment})
	}
	return dag.Directory().
		WithFile("values.yaml", values).
		WithFile("manifests.yaml", g.chart().Template(values, g.Name, g.Project+"-"+g.Environment)), nil
}

func (g *GoldenPath) deployable() bool { return g.Contract != nil || g.ValuesFile != nil }

// ref is the image's reference by digest, known before it is published.
func (g *GoldenPath) ref(ctx context.Context) (string, error) {
	described, err := g.image().Inspect(ctx, g.Image())
	if err != nil {
		return "", err
	}
	return g.pinned(described)
}

func (g *GoldenPath) pinned(described string) (string, error) {
	var image struct{ Digest string }
	if err := json.Unmarshal([]byte(described), &image); err != nil {
		return "", fmt.Errorf("image inspect: %w", err)
	}
	return g.repository() + "@" + image.Digest, nil
}

func (g *GoldenPath) repository() string {
	host := g.Registry.Host
	if host == "" {
		host = "registry.invalid" // RFC 6761: manifests without a registry name one that cannot be
	}
	return strings.Join([]string{host, g.Project, g.Name}, "/")
}

func (g *GoldenPath) sourceURL() string {
	if g.Build.Repository != "" {
		return g.Build.Repository
	}
	return "file:///src"
}

// parameters are the ones that the image's digest depends on.
func (g *GoldenPath) parameters() []string {
	p := []string{"builder=" + g.Build.Builder, "platform=" + string(g.Build.Platform), "goImage=" + g.Build.GoImage}
	if g.Build.MainPackage != "" {
		p = append(p, "mainPackage="+g.Build.MainPackage)
	}
	for _, e := range g.Build.CompileEnv {
		p = append(p, "compileEnv."+e)
	}
	return p
}
