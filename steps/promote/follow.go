package promote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Rollout is what became of a release in the cluster.
type Rollout struct {
	Healthy      bool             `json:"healthy"`
	HealthySince time.Time        `json:"healthySince,omitzero"` // by the cluster's clock
	Waited       string           `json:"waited"`                // as in 1m30s
	Why          string           `json:"why,omitempty"`         // it is not Healthy
	Problems     []argocd.Problem `json:"problems,omitempty"`
}

func (c Common) timeout() time.Duration {
	if c.Timeout == 0 {
		return argocd.DefaultTimeout
	}
	return c.Timeout
}

// follow waits until the release that the move put there is Healthy. A run that
// finds the release there already waits for as long as the run that brought it
// would have: so a run that was killed ends as it would have ended.
func (c Common) follow(ctx context.Context, repository *gitrepo.Repository, m *move, r *Result) error {
	want := argocd.WantOf(m.next.Target, m.content)
	want.Timeout = c.timeout()
	if last := m.history.Last(); !r.Changed && last != nil && !last.Until.IsZero() && last.Release.Same(m.next.Release) {
		now, err := c.ArgoCD.Now(ctx)
		if err != nil {
			return err
		}
		want.Timeout = max(last.Until.Sub(now)-c.Steady, oneLook)
	}
	c.log("following the release to Healthy", m, "application", want.Name, "timeout", want.Timeout)
	watched, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go c.notice(watched, stop, repository, m)
	outcome, err := c.stay(watched, want)
	if gone, ok := errors.AsType[*superseded](context.Cause(watched)); ok {
		return gone.fault(m)
	}
	r.Rollout = &Rollout{
		Healthy: err == nil, HealthySince: outcome.State.HealthySince.UTC(), Waited: outcome.Waited.Round(time.Second).String(), Problems: outcome.Problems,
	}
	if err == nil {
		return nil
	}
	if failure, ok := errors.AsType[*argocd.Failure](err); ok {
		if gone := c.replaced(ctx, repository, m); gone != nil {
			return gone.fault(m)
		}
		r.Rollout.Why, r.Rollout.Problems = failure.Why, failure.Problems
	}
	return err
}

// stay follows a release to Healthy, and then for as long as it must stay so. One
// that falls ill in between has to get well again and to stay so from then on, all
// of it within the time that it has.
func (c Common) stay(ctx context.Context, want argocd.Want) (argocd.Outcome, error) {
	begin, most := time.Now(), want.Timeout+c.Steady
	for {
		outcome, err := c.ArgoCD.Follow(ctx, want)
		outcome.Waited = max(outcome.Waited, time.Since(begin))
		if err != nil || c.Steady == 0 {
			return outcome, err
		}
		now, err := c.ArgoCD.Now(ctx)
		if err != nil {
			return outcome, err
		}
		left := c.Steady - now.Sub(outcome.State.HealthySince)
		if left <= 0 {
			return outcome, nil
		}
		if want.Timeout = most - time.Since(begin); want.Timeout <= 0 {
			why := fmt.Sprintf("Application %s: it did not stay Healthy for %s", want.Name, c.Steady)
			return outcome, fault.Failedf("%w", &argocd.Failure{Outcome: outcome, Why: why}).Fix("look at kubectl describe application %s", want.Name)
		}
		if err := pause(ctx, min(left, betweenGlances, want.Timeout)); err != nil {
			return outcome, err
		}
	}
}

// betweenGlances is how often a release that has to stay Healthy is looked at.
const betweenGlances = 2 * time.Second

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// oneLook is enough for Argo CD to look at Git and at the cluster once.
const oneLook = 30 * time.Second

// betweenLooks is how often a follower looks whether the repository still has what
// it follows.
const betweenLooks = 15 * time.Second

// superseded is what a follower meets when the environment got another release.
type superseded struct{ by string }

func (s *superseded) Error() string { return "another release came: " + s.by }

func (s *superseded) fault(m *move) error {
	return fault.Failedf("%s of %s is no longer followed, since it was changed meanwhile (%s): nothing was taken back", m.next.App, m.next.Environment, s.by).
		Fix("look at what %s has now, with pave promote history", m.next.Environment)
}

// notice ends a following that has lost its object.
func (c Common) notice(ctx context.Context, stop context.CancelCauseFunc, repository *gitrepo.Repository, m *move) {
	tick := time.NewTicker(betweenLooks)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if gone := c.replaced(ctx, repository, m); gone != nil {
				stop(gone)
				return
			}
		}
	}
}

// replaced tells whether the environment has another release than the move's. A
// repository that cannot be read tells nothing.
func (c Common) replaced(ctx context.Context, repository *gitrepo.Repository, m *move) (gone *superseded) {
	_ = repository.Read(ctx, func(tree *gitrepo.Tree) error {
		now, err := gitops.Read(tree, m.next.Path())
		if err != nil || bytes.Equal(now, m.content) {
			return err
		}
		history, err := gitops.LoadHistory(tree, m.next.Target)
		if err != nil {
			return err
		}
		gone = &superseded{by: lastMove(m.next.Target, history)}
		return nil
	})
	return gone
}
