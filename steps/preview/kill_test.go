package preview_test

import (
	"context"
	"testing"

	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/steps/preview"
)

// errand is one of these.
type errand struct {
	Enable  *preview.EnableOptions
	Disable *preview.DisableOptions
	Comment *preview.CommentOptions
	Prune   *preview.PruneOptions
}

func (e errand) run(ctx context.Context) (changed bool, err error) {
	switch {
	case e.Enable != nil:
		r, err := preview.Enable(ctx, *e.Enable)
		return r.Changed, err
	case e.Disable != nil:
		r, err := preview.Disable(ctx, *e.Disable)
		return r.Changed, err
	case e.Comment != nil:
		r, err := preview.Comment(ctx, *e.Comment)
		return r.Changed, err
	}
	r, err := preview.Prune(ctx, *e.Prune)
	return r.Changed, err
}

func TestMain(m *testing.M) {
	killtest.Main(m, func(ctx context.Context, e errand) error {
		_, err := e.run(ctx)
		return err
	})
}

// TestAKilledEnableLeavesAllOrNothing kills the process around its push, the only
// thing that it changes anywhere, and runs it again.
func TestAKilledEnableLeavesAllOrNothing(t *testing.T) {
	for name, c := range map[string]struct {
		kill    func(s *gittest.Server, kill func())
		landed  int // commits of the killed process
		changed bool
	}{
		"killed while Git has not seen the push": {func(s *gittest.Server, kill func()) { s.BeforePush(kill); s.Fail(gittest.CutBefore) }, 0, true},
		"killed when Git has taken the push":     {func(s *gittest.Server, kill func()) { s.AfterPush(kill) }, 1, false},
	} {
		for what, prepare := range map[string]func(*gittest.Server) errand{
			"enable": func(s *gittest.Server) errand {
				o := enable(t, s, forge.GitHub)
				return errand{Enable: &o}
			},
			"disable": func(s *gittest.Server) errand {
				enabled(t, enable(t, s, forge.GitHub))
				return errand{Disable: &preview.DisableOptions{Project: "shop", App: "web", Repository: repository(s)}}
			},
		} {
			t.Run(what+" "+name, func(t *testing.T) {
				s := gittest.Start(t, gittest.Options{})
				s.Commit(t, "main", "seed", map[string]string{"x": "x"})
				e := prepare(s)
				before := s.Commits(t, "main")
				killtest.Kill(t, e, func(kill func()) { c.kill(s, kill) })
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
