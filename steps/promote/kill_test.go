package promote_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/steps/promote"
)

// errand is one of the first three.
type errand struct {
	Promotion *promote.Options
	Rollback  *promote.RollbackOptions
	Rejection *promote.RejectOptions

	Cluster remote         // with one that is asked
	Forge   *forge.Options // with pull requests
}

func (e errand) run(ctx context.Context) (changed bool, err error) {
	complete := func(c *promote.Common) error {
		c.Verify = fine
		if e.Cluster != "" {
			c.ArgoCD = e.Cluster
		}
		if e.Forge != nil {
			client, err := forge.New(*e.Forge)
			c.PullRequests = client
			return err
		}
		return nil
	}
	switch {
	case e.Promotion != nil:
		if err := complete(&e.Promotion.Common); err != nil {
			return false, err
		}
		r, err := promote.Run(ctx, *e.Promotion)
		return r.Changed, err
	case e.Rollback != nil:
		if err := complete(&e.Rollback.Common); err != nil {
			return false, err
		}
		r, err := promote.Rollback(ctx, *e.Rollback)
		return r.Changed, err
	default:
		r, err := promote.Reject(ctx, *e.Rejection)
		return r.Changed, err
	}
}

func TestMain(m *testing.M) {
	killtest.Main(m, func(ctx context.Context, e errand) error {
		_, err := e.run(ctx)
		return err
	})
}

// beforePush has kill called when push n, from 1, arrives, and Git not get it.
func beforePush(s *gittest.Server, n int, kill func()) {
	s.Fail(append(make([]gittest.Fault, n-1), gittest.CutBefore)...)
	nth(s.BeforePush, n, kill)
}

// afterPush has kill called when Git has taken push n.
func afterPush(s *gittest.Server, n int, kill func()) { nth(s.AfterPush, n, kill) }

func nth(hook func(func()), n int, do func()) {
	if n == 1 {
		hook(do)
		return
	}
	hook(func() { nth(hook, n-1, do) })
}

// TestWhatIsKilledLeavesAllOrNothing kills the process around its push, the only
// thing that it changes anywhere, and runs it again.
func TestWhatIsKilledLeavesAllOrNothing(t *testing.T) {
	errands := map[string]func(*gittest.Server) errand{
		"promotion": func(s *gittest.Server) errand {
			put(t, s, application("staging", "web", 3, nil))
			o := options(t, s)
			return errand{Promotion: &o}
		},
		"rollback": func(s *gittest.Server) errand {
			o := back(s, "")
			return errand{Rollback: &o}
		},
		"rejection": func(s *gittest.Server) errand {
			return errand{Rejection: &promote.RejectOptions{Repository: common(s).Repository, Project: "shop", Digest: digest(2), Reason: "x", By: "Eve"}}
		},
	}
	for name, c := range map[string]struct {
		kill    func(s *gittest.Server, n int, kill func())
		landed  int // commits of the killed process
		changed bool
	}{
		"killed while Git has not seen the push": {beforePush, 0, true},
		"killed when Git has taken the push":     {afterPush, 1, false},
	} {
		for what, prepare := range errands {
			t.Run(what+" "+name, func(t *testing.T) {
				s := promoted(t, 1, 2)
				e := prepare(s)
				before := s.Commits(t, "main")
				killtest.Kill(t, e, func(kill func()) { c.kill(s, 1, kill) })
				if n := s.Commits(t, "main") - before; n != c.landed {
					t.Errorf("%d commits after the kill, want %d", n, c.landed)
				}
				if changed, err := e.run(t.Context()); err != nil || changed != c.changed {
					t.Errorf("the second run: changed %t, %v", changed, err)
				}
				if n := s.Commits(t, "main") - before; n != 1 {
					t.Errorf("%d commits in the end, want 1", n)
				}
			})
		}
	}
}

// TestAKilledRunIsFinishedByRunningItAgain kills promotions and rollbacks that are
// followed at each call that they make, of the cluster and of Git. Run again, they
// end as they would have ended: with the same history, the same verdict, and no
// commit twice.
func TestAKilledRunIsFinishedByRunningItAgain(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, s *gittest.Server, a *cluster) errand
		calls   int    // of the cluster, in a run that nobody kills
		pushes  int    // the same, of Git
		history string // in the end
		says    string // the second run's error; empty: none
		anyway  string // or that
	}{
		"a promotion that becomes Healthy": {
			prepare: func(t *testing.T, s *gittest.Server, a *cluster) errand {
				o := followed(t, s, a)
				return errand{Promotion: &o}
			},
			calls: 6, pushes: 1, history: "promote 1, promote 2",
		},
		"a promotion that does not, and is rejected": {
			prepare: func(t *testing.T, s *gittest.Server, a *cluster) errand {
				a.sicken(2)
				o := followed(t, s, a)
				o.RejectFailed = true
				return errand{Promotion: &o}
			},
			calls: 10, pushes: 3, history: "promote 1, promote 2, rollback 1",
			says: "did not become Healthy in 10m0s: " + illness, anyway: "is rejected in project shop: web in production: it did not become Healthy",
		},
		"a rollback": {
			prepare: func(t *testing.T, s *gittest.Server, a *cluster) errand {
				run(t, options(t, s))
				o := back(s, "")
				o.Wait, o.Digest = true, digest(2)
				return errand{Rollback: &o}
			},
			calls: 4, pushes: 1, history: "promote 1, promote 2, rollback 1",
		},
	} {
		check := func(t *testing.T, arm func(s *gittest.Server, a *cluster, kill func())) {
			s, a, _ := onTheWay(t, 2, 1)
			e := c.prepare(t, s, a)
			e.Cluster = remote(a.URL)
			before, pushes := s.Commits(t, "main"), s.Pushes()
			if arm != nil {
				killtest.Kill(t, e, func(kill func()) { arm(s, a, kill) })
				a.set(func() { a.before = nil })
			}
			_, err := e.run(t.Context())
			if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) && !strings.Contains(err.Error(), c.anyway) {
				t.Errorf("in the end: %v", err)
			}
			if got := digests(history(t, s, "production")); got != c.history {
				t.Errorf("history: %s", got)
			}
			if n := s.Commits(t, "main") - before; n != c.pushes {
				t.Errorf("%d commits, want %d", n, c.pushes)
			}
			if arm == nil && (len(a.calls) != c.calls || s.Pushes()-pushes != c.pushes) {
				t.Errorf("%d calls of the cluster (%v) and %d pushes: the table says %d and %d", len(a.calls), a.calls, s.Pushes()-pushes, c.calls, c.pushes)
			}
		}
		t.Run(name+", not killed", func(t *testing.T) { check(t, nil) })
		for n := 1; n <= c.calls; n++ {
			t.Run(fmt.Sprintf("%s, killed at call %d of the cluster", name, n), func(t *testing.T) {
				check(t, func(_ *gittest.Server, a *cluster, kill func()) { a.set(func() { a.before[len(a.calls)+n] = kill }) })
			})
		}
		for n := 1; n <= c.pushes; n++ {
			for when, hook := range map[string]func(*gittest.Server, int, func()){"before": beforePush, "after": afterPush} {
				t.Run(fmt.Sprintf("%s, killed %s push %d", name, when, n), func(t *testing.T) {
					check(t, func(s *gittest.Server, _ *cluster, kill func()) { hook(s, n, kill) })
				})
			}
		}
	}
}
