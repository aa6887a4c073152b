package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/internal/dev/talos"
)

// inChild names the environment variable that turns the test binary into a
// program that forms a cluster, so that it can be killed.
const inChild = "PAVE_TEST_CLUSTER"

func TestMain(m *testing.M) {
	raw, ok := os.LookupEnv(inChild)
	if !ok {
		os.Exit(m.Run())
	}
	os.Exit(child(raw))
}

// child forms a cluster, and says all there is to say about it.
func child(raw string) int {
	var o cluster.Options
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r, err := cluster.Run(context.Background(), o)
	r.Summary(os.Stdout)
	_ = json.NewEncoder(os.Stdout).Encode(r)
	s, err2 := cluster.Look(context.Background(), cluster.StatusOptions{Options: o.Options})
	s.Summary(os.Stdout)
	_ = json.NewEncoder(os.Stdout).Encode(s)
	if err := errors.Join(err, err2); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%#v\n", err, err)
		return 1
	}
	return 0
}

func command(t *testing.T, o cluster.Options) *exec.Cmd {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), inChild+"="+string(raw))
	return cmd
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
	cmd := command(t, o)
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
