package deploy_test

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
	"github.com/pave-platform/pave/steps/deploy"
)

// inChild names the environment variable that turns the test binary into a
// program that runs one deploy, so that it can be killed.
const inChild = "PAVE_TEST_DEPLOY"

func TestMain(m *testing.M) {
	raw, ok := os.LookupEnv(inChild)
	if !ok {
		os.Exit(m.Run())
	}
	var o deploy.Options
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if _, err := deploy.Run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
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
			raw, err := json.Marshal(o)
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
