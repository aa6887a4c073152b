package recovery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/pave-platform/pave/bootstrap/recovery"
	"github.com/pave-platform/pave/internal/dev/talos"
)

// inChild names the environment variable that turns the test binary into a
// program that recovers a cluster, so that it can be killed.
const inChild = "PAVE_TEST_RECOVERY"

func TestMain(m *testing.M) {
	raw, ok := os.LookupEnv(inChild)
	if !ok {
		os.Exit(m.Run())
	}
	var o recovery.Options
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if _, err := recovery.Run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestKilledAfterAnyCallARecoveryIsFinishedByRunningItAgain kills the process
// when a node has done a call and the process does not know yet.
func TestKilledAfterAnyCallARecoveryIsFinishedByRunningItAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wipe       []string
		bootstraps int // at most, besides the one that made the cluster
	}{
		"fresh machines": {nil, 1},
		"by name":        {controlPlanes, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := 1
			for killedAt(t, at, c.wipe, c.bootstraps) {
				at++
			}
			if at < 10 {
				t.Errorf("only %d calls were there to kill it at", at-1)
			}
			t.Logf("killed at each of %d calls", at-1)
		})
	}
}

func killedAt(t *testing.T, at int, wipe []string, bootstraps int) (killed bool) {
	t.Helper()
	c := formed(t)
	defer c.World.Close()
	if wipe == nil {
		replace(c, controlPlanes...)
	}
	o := options(c)
	o.Wipe, o.Poll = wipe, 100*time.Millisecond
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), inChild+"="+string(raw))
	before := len(c.World.Calls())
	calls := make(chan int, 1)
	calls <- 0
	c.World.After(func(talos.Call) {
		n := <-calls + 1
		if n == at {
			_ = cmd.Process.Kill()
		}
		calls <- n
	})
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false
	case !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL:
		t.Fatalf("call %d: the child was not killed: %v\n%s", at, err, out)
	}
	c.World.After(func(talos.Call) {})
	o.Poll, o.Timeout = poll, soon/3 // a third: what has no quorum is waited for
	if r := recovered(t, o); r.Kubernetes == "" {
		t.Errorf("call %d: the second run: %+v", at, r)
	}
	holdsTheSnapshot(t, c)
	n := 0
	for _, call := range c.World.Calls()[before:] {
		if call.Method == "Bootstrap" {
			n++
		}
	}
	if n > bootstraps {
		t.Errorf("call %d: %d bootstraps", at, n)
	}
	return true
}
