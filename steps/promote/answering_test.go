package promote

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
)

// silent never answers.
type silent struct{}

func (silent) Now(ctx context.Context) (time.Time, error) {
	<-ctx.Done()
	return time.Time{}, ctx.Err()
}

func (silent) State(ctx context.Context, _ string) (argocd.State, error) {
	<-ctx.Done()
	return argocd.State{}, ctx.Err()
}

func (silent) Follow(ctx context.Context, _ argocd.Want) (argocd.Outcome, error) {
	<-ctx.Done()
	return argocd.Outcome{}, ctx.Err()
}

func TestAClusterThatIsSilentIsNotAskedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const want = "the cluster that Argo CD runs in does not answer within 30s; check the kubeconfig's address and the network"
		cluster := Common{ArgoCD: silent{}}.answering()
		if _, err := cluster.Now(t.Context()); err == nil || err.Error() != want {
			t.Error(err)
		}
		if _, err := cluster.State(t.Context(), "x"); err == nil || err.Error() != want {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := cluster.Now(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %v", err)
		}
	})
	if c := (Common{}).answering(); c != nil {
		t.Errorf("of no cluster it makes %v", c)
	}
}
