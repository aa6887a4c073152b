package preview_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/preview"
)

// inChild names the environment variable that turns the test binary into a
// program that does one errand, so that it can be killed.
const inChild = "PAVE_TEST_PREVIEW"

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

// killed runs an errand in a process of its own; kill gets what ends it.
func killed(t *testing.T, e errand, kill func(kill func())) {
	t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), inChild+"="+string(raw))
	kill(func() { _ = child.Process.Kill() })
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child was not killed: %v\n%s", err, out)
	}
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
				killed(t, e, func(kill func()) { c.kill(s, kill) })
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
