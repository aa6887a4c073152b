package promote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/promote"
)

// inChild names the environment variable that turns the test binary into a
// program that does one errand, so that it can be killed.
const inChild = "PAVE_TEST_PROMOTE"

// errand is one of these.
type errand struct {
	Promotion *promote.Options
	Rollback  *promote.RollbackOptions
	Rejection *promote.RejectOptions
}

func (e errand) run(ctx context.Context) (changed bool, err error) {
	switch {
	case e.Promotion != nil:
		e.Promotion.Verify = fine
		r, err := promote.Run(ctx, *e.Promotion)
		return r.Changed, err
	case e.Rollback != nil:
		e.Rollback.Verify = fine
		r, err := promote.Rollback(ctx, *e.Rollback)
		return r.Changed, err
	default:
		r, err := promote.Reject(ctx, *e.Rejection)
		return r.Changed, err
	}
}

func TestMain(m *testing.M) {
	raw, ok := os.LookupEnv(inChild)
	if !ok {
		os.Exit(m.Run())
	}
	var e errand
	err := json.Unmarshal([]byte(raw), &e)
	if err == nil {
		_, err = e.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
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
		kill    func(s *gittest.Server, kill func())
		landed  int // commits of the killed process
		changed bool
	}{
		"killed while Git has not seen the push": {func(s *gittest.Server, kill func()) { s.BeforePush(kill); s.Fail(gittest.CutBefore) }, 0, true},
		"killed when Git has taken the push":     {func(s *gittest.Server, kill func()) { s.AfterPush(kill) }, 1, false},
	} {
		for what, prepare := range errands {
			t.Run(what+" "+name, func(t *testing.T) {
				s := promoted(t, 1, 2)
				e := prepare(s)
				before := s.Commits(t, "main")
				raw, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				child := exec.Command(os.Args[0])
				child.Env = append(os.Environ(), inChild+"="+string(raw))
				c.kill(s, func() { _ = child.Process.Kill() })
				err = child.Run()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("the child was not killed: %v", err)
				}
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
