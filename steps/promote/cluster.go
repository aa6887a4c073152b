package promote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
)

// Cluster is the one that Argo CD runs in, as [argocd.Client] sees it.
type Cluster interface {
	// Now is the cluster's clock.
	Now(ctx context.Context) (time.Time, error)
	// State is an Application as Argo CD has it; one that is not there is an
	// argocd.ErrMissing.
	State(ctx context.Context, name string) (argocd.State, error)
	// Follow waits for an Application to be as wanted. An error with an
	// *argocd.Failure in it is about the release, any other about the way there.
	Follow(ctx context.Context, w argocd.Want) (argocd.Outcome, error)
}

func needsCluster(flag string) error {
	return fault.Inputf("%s asks the cluster that Argo CD runs in, and none is given", flag).
		Fix("give --kubeconfig-file or --kubeconfig-env, or leave %s out", flag)
}

// Soak is how long an environment had been Healthy with a release that went on
// from it.
type Soak struct {
	Asked        string    `json:"asked"`        // as in 10m0s
	HealthySince time.Time `json:"healthySince"` // by the cluster's clock
}

// soaked is the gate before a promotion: Argo CD says that the source has exactly
// the release that Git says it has, well and for long enough. All times are the
// cluster's.
func (m *move) soaked(ctx context.Context, cluster Cluster) (*Soak, error) {
	t := m.source.Target
	state, err := cluster.State(ctx, t.Name())
	hash := gitops.ContentHash(m.sourceContent)
	switch {
	case errors.Is(err, argocd.ErrMissing):
		return nil, fault.Gatef("%s is not in %s as Argo CD has it: %w", t.App, t.Environment, err)
	case err != nil:
		return nil, err
	case state.ContentHash != hash:
		return nil, fault.Gatef("Argo CD has not taken up what Git has for %s of %s, %s", t.App, t.Environment, gitops.Short(m.source.Digest())).
			Fix("wait until %s has it, and promote again", t.Environment)
	case !state.At(hash):
		return nil, fault.Gatef("%s of %s is not well: %s", t.App, t.Environment, condition(state)).
			Fix("look at kubectl describe application %s -n %s", state.Name, state.Namespace)
	case state.HealthySince.IsZero() && m.soak > 0:
		return nil, fault.Gatef("Argo CD does not say since when %s of %s is Healthy, and %s are asked for", t.App, t.Environment, m.soak).
			Fix("update Argo CD, or go without with --soak 0s")
	}
	now, err := cluster.Now(ctx)
	if err != nil {
		return nil, err
	}
	if healthy := max(0, now.Sub(state.HealthySince)); healthy < m.soak {
		return nil, fault.Gatef("%s of %s is Healthy for %s with %s, and %s are asked for (%s)", t.App, t.Environment, healthy, gitops.Short(m.source.Digest()), m.soak, m.soakBy).
			Fix("promote again after %s by the cluster's clock", state.HealthySince.Add(m.soak).UTC().Format(time.RFC3339))
	}
	return &Soak{Asked: m.soak.String(), HealthySince: state.HealthySince.UTC()}, nil
}

// condition says in a few words what Argo CD thinks of an Application.
func condition(s argocd.State) string {
	switch {
	case s.Deleting:
		return "it is being deleted"
	case !s.Current:
		return "Argo CD has not compared it yet"
	case s.Operation.Running:
		return "it is being synced"
	}
	return fmt.Sprintf("it is %s and %s", or(s.Sync, "not compared"), or(s.Health, "of unknown health"))
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// undisturbed looks at what the environment has, and refuses to move it while the
// rollout of that is followed by somebody: they would judge a release that is not
// there any more, and the next one would stand on a release of which nobody knows
// whether it is good.
func (m *move) undisturbed(ctx context.Context, c Common) error {
	if m.running == nil {
		return nil
	}
	last := m.history.Last()
	followed := last != nil && !last.Until.IsZero() && last.Release.Same(m.running.Release)
	now := when(c.Time)
	if c.ArgoCD != nil {
		var err error
		if now, m.seen, err = m.see(ctx, c.ArgoCD, followed); err != nil && m.entry.Action != gitops.Rollback {
			return err // a way back is not barred by a cluster that does not answer
		}
	}
	if !m.seen.Healthy.IsZero() || !followed || m.entry.Action == gitops.Rollback || c.Force || !now.Before(last.Until) {
		return nil
	}
	return fault.Gatef("the %s of %s to %s by %s is still followed, until %s at the latest: nothing was done",
		noun(last.Action), gitops.Short(last.Digest), last.To, last.By, last.Until.Format(time.RFC3339)).
		Fix("wait for it; pave promote rollback takes it back at once, --force promotes over it")
}

func noun(a gitops.Action) string {
	if a == gitops.Promote {
		return "promotion"
	}
	return string(a)
}

// see gives the cluster's time and how it has what runs; followed tells whether that
// was to become Healthy.
func (m *move) see(ctx context.Context, cluster Cluster, followed bool) (now time.Time, seen gitops.Seen, err error) {
	state, err := cluster.State(ctx, m.next.Name())
	if err != nil && !errors.Is(err, argocd.ErrMissing) {
		return time.Time{}, gitops.Seen{}, err
	}
	hash := gitops.ContentHash(m.before)
	if err == nil && state.At(hash) {
		seen.Healthy = state.HealthySince.UTC()
	} else {
		seen.Unwell = followed || state.ContentHash == hash && state.Current && state.Health == argocd.Degraded
	}
	now, err = cluster.Now(ctx)
	return now, seen, err
}
