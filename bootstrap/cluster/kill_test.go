package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/internal/dev/talos"
	"github.com/pave-platform/pave/internal/killtest"
)

func TestMain(m *testing.M) { killtest.Main(m, child) }

// child forms a cluster, and says all there is to say about it.
func child(ctx context.Context, o cluster.Options) error {
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r, err := cluster.Run(ctx, o)
	r.Summary(os.Stdout)
	_ = json.NewEncoder(os.Stdout).Encode(r)
	s, err2 := cluster.Look(ctx, cluster.StatusOptions{Options: o.Options})
	s.Summary(os.Stdout)
	_ = json.NewEncoder(os.Stdout).Encode(s)
	err = errors.Join(err, err2)
	fmt.Fprintf(os.Stderr, "%#v\n", err)
	return err
}

// TestKilledAfterAnyCallItIsFinishedByRunningItAgain kills the process when a
// node has done a call and the process does not know yet: the first call, the
// second, and so on until a run needs no more.
func TestKilledAfterAnyCallItIsFinishedByRunningItAgain(t *testing.T) {
	t.Parallel()
	killed := 0
	for at := 1; ; at++ {
		if !killedAt(t, at) {
			break
		}
		killed++
	}
	if killed < 10 {
		t.Errorf("only %d calls were there to kill it at", killed)
	}
	t.Logf("killed at each of %d calls", killed)
}

// killedAt gives false if the run was over before its call number at.
func killedAt(t *testing.T, at int) (killed bool) {
	t.Helper()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3})
	defer c.World.Close()
	o := options(c)
	o.Poll = 100 * time.Millisecond // not too many calls
	if !killtest.Run(t, o, func(kill func()) { c.AtCall(at, kill) }) {
		return false
	}
	c.World.After(func(talos.Call) {})
	o.Poll = poll
	if r := run(t, o); r.Kubernetes == "" {
		t.Errorf("call %d: the second run: %+v", at, r)
	}
	if n := c.Count("Bootstrap"); n != 1 {
		t.Errorf("call %d: %d bootstraps, want 1", at, n)
	}
	for _, n := range c.World.Nodes() {
		if got := n.Members(); !slices.Equal(got, []string{"cp-1", "cp-2", "cp-3"}) {
			t.Errorf("call %d: %s is in an etcd of %v", at, n.Name(), got)
		}
	}
	before := files(t, o)
	if r := run(t, o); r.Changed || !slices.Equal(before, files(t, o)) {
		t.Errorf("call %d: the third run changed something: %+v", at, r)
	}
	return true
}
