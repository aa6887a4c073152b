package deploy_test

import (
	"context"
	"testing"

	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/steps/deploy"
)

func TestMain(m *testing.M) {
	killtest.Main(m, func(ctx context.Context, o deploy.Options) error {
		_, err := deploy.Run(ctx, o)
		return err
	})
}

// TestAKilledDeployLeavesAllOrNothing kills the process around its push, the
// only thing that it changes anywhere, and deploys again.
func TestAKilledDeployLeavesAllOrNothing(t *testing.T) {
	for name, c := range map[string]struct {
		kill    func(s *gittest.Server, kill func())
		landed  int // commits of the killed process
		changed bool
	}{
		"killed while Git has not seen the push": {func(s *gittest.Server, kill func()) { s.BeforePush(kill); s.Fail(gittest.CutBefore) }, 0, true},
		"killed when Git has taken the push":     {func(s *gittest.Server, kill func()) { s.AfterPush(kill) }, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := gittest.Start(t, gittest.Options{})
			s.Commit(t, "main", "seed", map[string]string{"x": "x"})
			o := options(t, s)
			killtest.Kill(t, o, func(kill func()) { c.kill(s, kill) })
			if n := s.Commits(t, "main"); n != 1+c.landed {
				t.Errorf("%d commits after the kill, want %d", n, 1+c.landed)
			}
			if r := run(t, o); r.Changed != c.changed {
				t.Errorf("the second deploy: %+v", r)
			}
			if n := s.Commits(t, "main"); n != 2 {
				t.Errorf("%d commits in the end, want 2", n)
			}
		})
	}
}
