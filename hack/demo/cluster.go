package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pave-platform/pave/internal/lab"
)

const (
	project = "demo"
	app     = "hello-go"

	// patience is how long a release may take to become Healthy: an image of a few
	// megabytes from a registry next door.
	patience = "3m"
	// impatience is how long the bad version gets.
	impatience = "45s"

	soakTime = 5 * time.Second
)

// cluster shows a team's way: staging, production, a bad version, a preview.
func cluster(ctx context.Context, out io.Writer, keep bool) (err error) {
	s, err := newStory(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	s.step("Start Kubernetes with a node, Argo CD, a registry and a Git server")
	l, err := lab.Up(ctx, lab.Options{
		Parts: []lab.Part{lab.ArgoCD, lab.Kubelet, lab.Registry, lab.Git, lab.CRDs, lab.Rollouts, lab.CertManager},
		Log:   indented{out},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	p := &platform{story: s, lab: l, image: l.Registry + "/" + project + "/" + app}
	s.look("export KUBECONFIG=%s; kubectl get nodes", l.Kubeconfig)
	for _, part := range []func(context.Context) error{
		p.prepare, p.first, p.promotion, p.failure, p.rejection, p.preview,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	s.step("Done")
	if keep {
		fmt.Fprintln(out, "   Everything goes on running until Ctrl-C.")
		<-ctx.Done()
	}
	return nil
}

// platform is where the story takes place.
type platform struct {
	*story
	lab    *lab.Lab
	gitops lab.Repository
	image  string  // registry/project/app
	chart  string  // version of the base chart
	good   release // in production
	bad    release
}

// release is a commit of the application and its image.
type release struct{ commit, ref, digest string }

// prepare does what a platform team does once.
func (p *platform) prepare(ctx context.Context) (err error) {
	p.step("Set the platform up: base chart, keys, namespaces, a GitOps repository that Argo CD follows")
	if p.gitops, err = p.lab.Repository(ctx, "platform/gitops"); err != nil {
		return err
	}
	var pushed struct{ Version string }
	if err := p.ask(ctx, &pushed, "chart", "push", "--repository", p.charts()); err != nil {
		return err
	}
	p.chart = pushed.Version
	for _, command := range [][]string{
		{"sign", "keygen", "--output-dir", "key"},
		{"dev", "vulndb", "--output", "trivy-db"},
	} {
		if err := p.pave(ctx, command...); err != nil {
			return err
		}
	}
	return p.follow(ctx)
}

// first takes a first version to staging.
func (p *platform) first(ctx context.Context) (err error) {
	p.step("Build, check, publish and sign a first version")
	if err := p.clone(ctx); err != nil {
		return err
	}
	if p.good, err = p.release(ctx); err != nil {
		return err
	}
	p.step("Deploy it to staging, and wait until it is Healthy")
	if err := p.deploy(ctx, p.good); err != nil {
		return err
	}
	return p.answers(ctx, "staging", app)
}

func (p *platform) promotion(ctx context.Context) error {
	p.step("Promote it to production, once it has been Healthy in staging for five seconds")
	if err := p.soak(ctx); err != nil {
		return err
	}
	if err := p.values(ctx, p.good, "production"); err != nil {
		return err
	}
	if err := p.pave(ctx, p.promotionOf(p.good, patience)...); err != nil {
		return err
	}
	return p.answers(ctx, "production", app)
}

// failure promotes a version that runs in staging and not in production.
func (p *platform) failure(ctx context.Context) (err error) {
	p.step("A version whose production settings are wrong: DRAIN is no duration there. Staging is fine with it")
	const fine, wrong = "env: {ENVIRONMENT: production}", "env: {ENVIRONMENT: production, DRAIN: soon}"
	if err := p.change(ctx, "platform.yaml", fine, wrong, "feat: drain in production"); err != nil {
		return err
	}
	if p.bad, err = p.release(ctx); err != nil {
		return err
	}
	if err := p.deploy(ctx, p.bad); err != nil {
		return err
	}
	p.step("Promote it: production does not become Healthy, and goes back by itself")
	if err := p.soak(ctx); err != nil {
		return err
	}
	if err := p.values(ctx, p.bad, "production"); err != nil {
		return err
	}
	if err := p.refused(ctx, 1, p.promotionOf(p.bad, impatience)...); err != nil {
		return err
	}
	if err := p.pave(ctx, append([]string{"promote", "history", "--environment", "production"}, p.where()...)...); err != nil {
		return err
	}
	return p.answers(ctx, "production", app)
}

// rejection keeps the bad version out.
func (p *platform) rejection(ctx context.Context) error {
	p.step("Reject it, for ever")
	err := p.pave(ctx, "promote", "reject", p.bad.digest, "--project", project, "--repository", p.gitops.URL, "--reason", "does not start in production")
	if err != nil {
		return err
	}
	return p.refused(ctx, 3, p.promotionOf(p.bad, impatience)...)
}

// soak waits as long as a release must have been Healthy. The cluster's clock has
// whole seconds, hence one more.
func (p *platform) soak(ctx context.Context) error {
	soak := time.NewTimer(soakTime + time.Second)
	defer soak.Stop()
	select {
	case <-soak.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
