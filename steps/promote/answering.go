package promote

import (
	"context"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
)

// answering is a cluster that is asked for so long only. Following bears a cluster
// that is away for a while, and has its own time.
type answering struct{ Cluster }

// answer is how long a cluster may take for one answer.
const answer = 30 * time.Second

func (c Common) answering() Cluster {
	if _, already := c.ArgoCD.(answering); already || c.ArgoCD == nil {
		return c.ArgoCD
	}
	return answering{c.ArgoCD}
}

func (a answering) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := inTime(ctx)
	defer cancel()
	now, err := a.Cluster.Now(ctx)
	return now, late(ctx, err)
}

func (a answering) State(ctx context.Context, name string) (argocd.State, error) {
	ctx, cancel := inTime(ctx)
	defer cancel()
	state, err := a.Cluster.State(ctx, name)
	return state, late(ctx, err)
}

func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, answer, fault.Failedf("the cluster that Argo CD runs in does not answer within %s", answer).
		Fix("check the kubeconfig's address and the network"))
}

// late gives the reason why ctx ended instead of what that led to.
func late(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
