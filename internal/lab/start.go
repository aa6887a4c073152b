package lab

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/debian"
	"github.com/pave-platform/pave/internal/lab/argocd"
	"github.com/pave-platform/pave/internal/lab/controlplane"
	"github.com/pave-platform/pave/internal/lab/node"
	"github.com/pave-platform/pave/internal/lab/operators"
)

// build makes the programs that are missing, before the first of them runs.
func (l *Lab) build(ctx context.Context) error {
	programs := slices.Clone(controlplane.Programs)
	var packages []string
	needs := func(part Part, build []program.Program, install []string, binaries ...string) {
		if l.options.has(part) {
			programs = append(programs, build...)
			if !debian.Installed(binaries...) {
				packages = append(packages, install...)
			}
		}
	}
	needs(ArgoCD, argocd.Programs, argocd.Packages, argocd.Binaries...)
	needs(Kubelet, node.Programs, node.Packages, node.Binaries...)
	needs(Rollouts, operators.RolloutsPrograms, nil)
	needs(CertManager, operators.CertManagerPrograms, nil)
	needs(Kwok, node.KwokPrograms, nil)
	if len(packages) != 0 {
		if err := l.install(ctx, packages); err != nil {
			return err
		}
	}
	return program.Build(ctx, programs)
}

// install installs Debian's packages, one lab at a time.
func (l *Lab) install(ctx context.Context, packages []string) error {
	cache, err := buildcache.New("lab", l.say)
	if err != nil {
		return err
	}
	unlock, err := cache.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return l.say.Stage("installing "+strings.Join(packages, ", "), func() error { return debian.Install(ctx, packages...) })
}

// start starts the parts, side by side where they do not need each other.
func (l *Lab) start(ctx context.Context) error {
	if err := l.certify(ctx); err != nil {
		return err
	}
	first, firstCtx := errgroup.WithContext(ctx)
	first.Go(func() error { return l.startCluster(firstCtx) })
	if l.options.has(Registry) {
		first.Go(func() error { return l.startRegistry(firstCtx) })
	}
	if l.options.has(Git) {
		first.Go(func() error { return l.startGit(firstCtx) })
	}
	if err := first.Wait(); err != nil {
		return err
	}
	then, thenCtx := errgroup.WithContext(ctx)
	then.Go(func() error { return l.cluster.Controllers(thenCtx) })
	then.Go(func() error { return l.startOperators(thenCtx) })
	if l.options.has(ArgoCD) {
		then.Go(func() error { return l.startArgoCD(thenCtx) })
	}
	switch {
	case l.options.has(Kubelet):
		then.Go(func() error { return l.startNode(thenCtx) })
	case l.options.has(Kwok):
		then.Go(func() error {
			o, err := l.nodeOptions()
			if err != nil {
				return err
			}
			return node.StartKwok(thenCtx, o)
		})
	}
	return then.Wait()
}

// startOperators installs the definitions, then starts who acts on them.
func (l *Lab) startOperators(ctx context.Context) error {
	if err := l.installDefinitions(ctx); err != nil {
		return err
	}
	dir, err := l.folder("operators")
	if err != nil {
		return err
	}
	o := operators.Options{Runner: l.servers, Dial: l.Dial, Dir: dir, Cluster: l.cluster}
	all, ctx := errgroup.WithContext(ctx)
	if l.options.has(Rollouts) {
		all.Go(func() error { return operators.StartRollouts(ctx, o) })
	}
	if l.options.has(CertManager) {
		all.Go(func() error { return operators.StartCertManager(ctx, o) })
	}
	return all.Wait()
}

// startNode starts a real node, whose pods' first image is in the lab's registry.
func (l *Lab) startNode(ctx context.Context) error {
	if err := l.sandbox.AddAddress(node.Address); err != nil {
		return err
	}
	image, err := node.SandboxImage(ctx)
	if err != nil {
		return fmt.Errorf("the image that pods begin with: %w", err)
	}
	sandbox, err := l.Push(ctx, "lab/pause:1", image)
	if err != nil {
		return fmt.Errorf("the image that pods begin with: %w", err)
	}
	o, err := l.nodeOptions()
	if err != nil {
		return err
	}
	n, err := node.New(o, l.sandbox.Cgroup, sandbox)
	if err != nil {
		return err
	}
	if !l.options.Address.IsLoopback() {
		ca, err := os.ReadFile(l.CAFile)
		if err != nil {
			return err
		}
		if err := n.Trust(l.Registry, ca); err != nil {
			return err
		}
	}
	l.node = n
	return n.Start(ctx)
}

func (l *Lab) nodeOptions() (node.Options, error) {
	dir, err := l.folder("node")
	return node.Options{Runner: l.servers, Dial: l.Dial, Dir: dir, Cluster: l.cluster}, err
}
