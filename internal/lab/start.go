package lab

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/lab/argocd"
	"github.com/pave-platform/pave/internal/lab/controlplane"
)

// build makes the programs that are missing, before the first of them runs.
func (l *Lab) build(ctx context.Context) error {
	programs := controlplane.Programs
	if l.options.has(ArgoCD) {
		programs = append(programs, argocd.Programs...)
	}
	return program.Build(ctx, programs)
}

// start starts the parts, side by side where they do not need each other.
func (l *Lab) start(ctx context.Context) error {
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
	if l.options.has(CRDs) {
		then.Go(func() error { return l.installDefinitions(thenCtx) })
	}
	if l.options.has(ArgoCD) {
		then.Go(func() error { return l.startArgoCD(thenCtx) })
	}
	return then.Wait()
}
