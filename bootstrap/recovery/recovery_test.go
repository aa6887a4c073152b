package recovery_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/bootstrap/fleet"
	"github.com/pave-platform/pave/bootstrap/recovery"
	"github.com/pave-platform/pave/internal/dev/talos"
	"github.com/pave-platform/pave/internal/fault"
)

const (
	soon  = 60 * time.Second
	short = 2 * time.Second
	poll  = 5 * time.Millisecond
)

var controlPlanes = []string{"cp-1", "cp-2", "cp-3"}

func access(c *bootstraptest.Cluster) fleet.Options {
	return fleet.Options{Artefact: c.Artefact, Identity: c.Identity, Timeout: soon, Poll: poll}
}

func files(c *bootstraptest.Cluster) fleet.Files {
	return fleet.Files{Kubeconfig: c.File("kubeconfig"), Talosconfig: c.File("talosconfig")}
}

func options(c *bootstraptest.Cluster) recovery.Options {
	return recovery.Options{Options: access(c), Files: files(c), Snapshot: c.File("etcd.snapshot"), Confirm: bootstraptest.Name}
}

// formed is a cluster that has lived: it holds the key a, a snapshot was taken,
// and then it got the key b.
func formed(t *testing.T) *bootstraptest.Cluster {
	t.Helper()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3})
	form(t, c)
	for i := range 50 {
		write(t, c, fmt.Sprintf("key-%d", i), "x")
	}
	write(t, c, "a", "before")
	if _, err := recovery.Take(t.Context(), recovery.SnapshotOptions{Options: access(c), Output: c.File("etcd.snapshot")}); err != nil {
		t.Fatal(err)
	}
	write(t, c, "b", "after")
	return c
}

func form(t *testing.T, c *bootstraptest.Cluster) {
	t.Helper()
	if _, err := cluster.Run(t.Context(), cluster.Options{Options: access(c), Files: files(c)}); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, c *bootstraptest.Cluster, key, value string) {
	t.Helper()
	if err := c.World.Node("cp-1").Write(key, value); err != nil {
		t.Fatal(err)
	}
}

func replace(c *bootstraptest.Cluster, names ...string) {
	for _, n := range names {
		c.World.Node(n).Replace()
	}
}

func recovered(t *testing.T, o recovery.Options) recovery.Result {
	t.Helper()
	r, err := recovery.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// holdsTheSnapshot looks into the etcd of every control plane.
func holdsTheSnapshot(t *testing.T, c *bootstraptest.Cluster) {
	t.Helper()
	for _, name := range controlPlanes {
		n := c.World.Node(name)
		if got := n.Members(); !slices.Equal(got, controlPlanes) {
			t.Errorf("%s is in an etcd of %v", name, got)
		}
		if v, _ := n.Read("a"); v != "before" {
			t.Errorf("%s: what was in the snapshot is %q", name, v)
		}
		if v, there := n.Read("b"); there {
			t.Errorf("%s: what was written after the snapshot is %q", name, v)
		}
	}
}

func TestAFreshControlPlaneBeginsFromTheSnapshot(t *testing.T) {
	t.Parallel()
	c := formed(t)
	replace(c, controlPlanes...)
	r := recovered(t, options(c))
	if r.Recovered != "cp-1" || !r.Changed || r.Kubernetes == "" || len(r.Wiped) != 0 || r.Info.Revision < 51 {
		t.Errorf("got %+v", r)
	}
	holdsTheSnapshot(t, c)
	r = recovered(t, options(c))
	if r.Recovered != "" || r.Changed {
		t.Errorf("the second run: %+v", r)
	}
	if n := c.Count("Bootstrap"); n != 2 { // the first one made the cluster
		t.Errorf("%d bootstraps, want 2", n)
	}
}

func TestALivingEtcdThatHoldsTheSnapshotIsLeftAlone(t *testing.T) {
	t.Parallel()
	c := formed(t)
	if r := recovered(t, options(c)); r.Recovered != "" || r.Changed {
		t.Errorf("got %+v", r)
	}
	if v, _ := c.World.Node("cp-1").Read("b"); v != "after" {
		t.Error("what was written after the snapshot is gone")
	}
}

func TestALivingEtcdIsThrownAwayOnlyByName(t *testing.T) {
	t.Parallel()
	c := formed(t)
	replace(c, controlPlanes...)
	form(t, c) // an etcd with another history
	o := options(c)
	refused(t, o, fault.Gate, "lives on cp-1, cp-2, cp-3", "--wipe cp-1,cp-2,cp-3")
	o.Wipe = []string{"cp-1", "cp-2"}
	refused(t, o, fault.Gate, "--wipe cp-1,cp-2,cp-3")
	o.Wipe = controlPlanes
	if r := recovered(t, o); !slices.Equal(r.Wiped, controlPlanes) || r.Recovered != "cp-1" {
		t.Errorf("got %+v", r)
	}
	holdsTheSnapshot(t, c)
	if r := recovered(t, o); r.Recovered != "" || r.Changed {
		t.Errorf("the second run: %+v", r)
	}
}

func TestALivingEtcdGoesBackToAnEarlierSnapshotByName(t *testing.T) {
	t.Parallel()
	c := formed(t)
	o := options(c)
	o.Wipe = controlPlanes
	if r := recovered(t, o); !slices.Equal(r.Wiped, controlPlanes) {
		t.Errorf("got %+v", r)
	}
	holdsTheSnapshot(t, c)
}

func TestWhatIsLeftOfADeadEtcdIsThrownAwayOnlyByName(t *testing.T) {
	t.Parallel()
	c := formed(t)
	replace(c, "cp-1", "cp-2")
	o := options(c)
	o.Timeout = short
	refused(t, o, fault.Gate, "cp-3 still hold etcd's data, without a quorum", "--wipe cp-3")
	o = options(c)
	o.Timeout, o.Wipe = 4*time.Second, []string{"cp-3"}
	recovered(t, o)
	holdsTheSnapshot(t, c)
}

func refused(t *testing.T, o recovery.Options, kind fault.Kind, want ...string) {
	t.Helper()
	_, err := recovery.Run(t.Context(), o)
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("got %v, want an error of kind %d", err, kind)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %v, want %q in it", err, w)
		}
	}
}

func TestACopyOfADataDirectoryServesWhenItIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	c := formed(t)
	replace(c, controlPlanes...)
	o := options(c)
	good, err := os.ReadFile(o.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.Snapshot, good[:len(good)-32], 0o600); err != nil {
		t.Fatal(err)
	}
	o.SkipHashCheck = true
	recovered(t, o)
	holdsTheSnapshot(t, c)
}

func TestControlPlanesThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	c := formed(t)
	replace(c, controlPlanes...)
	o := options(c)
	o.Timeout = short
	c.World.Node("cp-1").PowerOff()
	refused(t, o, fault.Failed, "recovered on cp-1", "nothing was recovered")
	c.World.Node("cp-1").PowerOn()
	c.World.Node("cp-2").PowerOff()
	c.World.Node("cp-3").PowerOff()
	refused(t, o, fault.Failed, "only 1 of 3 control planes", "nothing was recovered")
	c.World.Node("cp-2").PowerOn()
	refused(t, o, fault.Failed, "cp-3", "did not come") // and the two others are done
	c.World.Node("cp-3").PowerOn()
	if r := recovered(t, options(c)); r.Recovered != "" {
		t.Errorf("got %+v", r)
	}
	holdsTheSnapshot(t, c)
}

func TestFaultsOfTheAPIPass(t *testing.T) {
	t.Parallel()
	c := formed(t)
	count := make(chan map[talos.Call]int, 1)
	count <- map[talos.Call]int{}
	c.World.Before(func(_ context.Context, call talos.Call) error {
		m := <-count
		m[call]++
		n := m[call]
		count <- m
		switch {
		case n > 1:
			return nil
		case call.Method == "EtcdRecover" || call.Method == "Reset":
			return talos.ErrDrop
		}
		return status.Error(codes.Unavailable, "not now")
	})
	replace(c, controlPlanes...)
	recovered(t, options(c))
	holdsTheSnapshot(t, c)
}
