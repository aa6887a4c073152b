package cluster_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/internal/dev/talos"
)

func TestFaultsOfTheAPIPass(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(n int, c talos.Call, w *talos.World) error{
		"every call fails once": func(n int, _ talos.Call, _ *talos.World) error {
			if n == 1 {
				return status.Error(codes.Unavailable, "not now")
			}
			return nil
		},
		"every connection breaks once": func(n int, _ talos.Call, _ *talos.World) error {
			if n == 1 {
				return talos.ErrDrop
			}
			return nil
		},
		"every call is slow": func(int, talos.Call, *talos.World) error {
			time.Sleep(50 * time.Millisecond)
			return nil
		},
		"time is not in sync at first": func(n int, c talos.Call, _ *talos.World) error {
			if c.Method == "Bootstrap" && n < 5 {
				return status.Error(codes.FailedPrecondition, "time is not in sync yet")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3, Workers: 1})
			count := make(chan map[talos.Call]int, 1)
			count <- map[talos.Call]int{}
			c.World.Before(func(_ context.Context, call talos.Call) error {
				m := <-count
				m[call]++
				n := m[call]
				count <- m
				return fail(n, call, c.World)
			})
			if r := run(t, options(c)); r.Kubernetes == "" {
				t.Errorf("got %+v", r)
			}
			if n := c.Count("Bootstrap"); n != 1 {
				t.Errorf("%d bootstraps, want 1", n)
			}
		})
	}
}

func TestAnAnswerThatIsLostIsNoSecondBootstrap(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3})
	c.World.After(func(call talos.Call) {
		if call.Method == "Bootstrap" {
			c.World.Node(call.Node).Drop()
		}
	})
	run(t, options(c))
	if n := c.Count("Bootstrap"); n != 1 {
		t.Errorf("%d bootstraps, want 1", n)
	}
}

func TestABootstrapThatTalosForgetsIsAskedForAgain(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3, Step: 20 * time.Millisecond})
	forgotten := make(chan bool, 1)
	forgotten <- false
	c.World.After(func(call talos.Call) {
		if call.Method == "Bootstrap" && !<-forgotten {
			forgotten <- c.World.Node(call.Node).Forget()
		}
	})
	o := options(c)
	o.Timeout = soon / 10 // it is asked again after a quarter
	run(t, o)
	if n := c.Count("Bootstrap"); n != 2 {
		t.Errorf("%d bootstraps, want 2", n)
	}
	if got := c.World.Node("cp-3").Members(); len(got) != 3 {
		t.Errorf("etcd has the members %v", got)
	}
}

func TestRunsThatRaceBootstrapOnce(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3})
	errs := make(chan error)
	for range 4 {
		go func() {
			_, err := cluster.Run(t.Context(), options(c))
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := c.Count("Bootstrap"); n != 1 {
		t.Errorf("%d bootstraps, want 1", n)
	}
}

func TestARefusalIsSaid(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1})
	c.World.Before(func(_ context.Context, call talos.Call) error {
		if call.Method == "Bootstrap" {
			return status.Error(codes.PermissionDenied, "not authorized")
		}
		return nil
	})
	_, err := cluster.Run(t.Context(), options(c))
	if err == nil || !strings.Contains(err.Error(), "cp-1 refuses to bootstrap etcd") {
		t.Errorf("got %v", err)
	}
}

func TestAMemberThatDoesNotJoinIsNamed(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3})
	o := options(c)
	run(t, o)
	c.World.Node("cp-2").PowerOff()
	o.Timeout = short
	_, err := cluster.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "cp-2") {
		t.Errorf("got %v", err)
	}
}

func TestAMemberThatNeverJoinsIsNamed(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3, Alone: []string{"cp-3"}})
	o := options(c)
	o.Timeout = soon / 6
	r, err := cluster.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "cp-3: etcd is preparing") || strings.Contains(err.Error(), "cp-2") || r.Bootstrapped != "cp-1" {
		t.Errorf("got %v, %+v", err, r)
	}
}

func TestItEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Off: []string{"cp-1"}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cluster.Run(ctx, options(c)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
