package recovery_test

import (
	"context"
	"testing"
	"time"

	"github.com/pave-platform/pave/bootstrap/recovery"
	"github.com/pave-platform/pave/internal/dev/talos"
	"github.com/pave-platform/pave/internal/killtest"
)

func TestMain(m *testing.M) {
	killtest.Main(m, func(ctx context.Context, o recovery.Options) error {
		_, err := recovery.Run(ctx, o)
		return err
	})
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
	before := len(c.World.Calls())
	if !killtest.Run(t, o, func(kill func()) { c.AtCall(at, kill) }) {
		return false
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
