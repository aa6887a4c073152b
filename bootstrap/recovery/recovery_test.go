package recovery_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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

func TestNothingIsTouchedWhileTheRequestIsWrong(t *testing.T) {
	t.Parallel()
	c := formed(t)
	replace(c, controlPlanes...)
	good, err := os.ReadFile(c.File("etcd.snapshot"))
	if err != nil {
		t.Fatal(err)
	}
	altered := slices.Clone(good)
	altered[len(altered)/2] ^= 1
	other := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1})
	form(t, other)
	if _, err := recovery.Take(t.Context(), recovery.SnapshotOptions{Options: access(other), Output: c.File("foreign")}); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"altered": altered, "cut": good[:len(good)/2], "cut to a sector": good[:len(good)/2/512*512], "raw": good[:len(good)-32],
		"empty": nil, "text": []byte(strings.Repeat("no snapshot ", 1000)), "zero": make([]byte, 8192),
	} {
		if err := os.WriteFile(c.File(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	calls := len(c.World.Calls())
	for name, x := range map[string]struct {
		change func(*recovery.Options)
		want   string
	}{
		"the name is not typed":             {func(o *recovery.Options) { o.Confirm = "" }, "loses everything that was written since"},
		"another name is typed":             {func(o *recovery.Options) { o.Confirm = "other" }, "--confirm platform"},
		"no snapshot":                       {func(o *recovery.Options) { o.Snapshot = c.File("no") }, "no such file"},
		"an altered one":                    {func(o *recovery.Options) { o.Snapshot = c.File("altered") }, "altered or damaged"},
		"one that is cut off":               {func(o *recovery.Options) { o.Snapshot = c.File("cut") }, "cut"},
		"one that is cut off at a sector":   {func(o *recovery.Options) { o.Snapshot = c.File("cut to a sector") }, "no hash at its end"},
		"cut off, and not to be checked":    {func(o *recovery.Options) { o.Snapshot, o.SkipHashCheck = c.File("cut to a sector"), true }, "cut to a sector"},
		"a copy of a data directory":        {func(o *recovery.Options) { o.Snapshot = c.File("raw") }, "--skip-hash-check"},
		"an empty one":                      {func(o *recovery.Options) { o.Snapshot = c.File("empty") }, "0 bytes"},
		"a text":                            {func(o *recovery.Options) { o.Snapshot = c.File("text") }, "no snapshot has"},
		"zeros":                             {func(o *recovery.Options) { o.Snapshot, o.SkipHashCheck = c.File("zero"), true }, "not a bolt database"},
		"another cluster's":                 {func(o *recovery.Options) { o.Snapshot = c.File("foreign") }, "is of another cluster"},
		"a node that is not there":          {func(o *recovery.Options) { o.Wipe = []string{"cp-9"} }, "cp-9 is no control plane"},
		"a kubeconfig that cannot be there": {func(o *recovery.Options) { o.Kubeconfig = c.Artefact + "/x" }, "cannot be written"},
	} {
		o := options(c)
		x.change(&o)
		_, err := recovery.Run(t.Context(), o)
		if err == nil || fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: got %v, want an input error with %q", name, err, x.want)
		}
	}
	if n := len(c.World.Calls()); n != calls {
		t.Errorf("%d calls were made", n-calls)
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
	refused(t, o, fault.Failed, "recovered on cp-1", "nothing was touched")
	c.World.Node("cp-1").PowerOn()
	c.World.Node("cp-2").PowerOff()
	c.World.Node("cp-3").PowerOff()
	refused(t, o, fault.Failed, "only 1 of 3 control planes", "nothing was touched")
	c.World.Node("cp-2").PowerOn()
	refused(t, o, fault.Failed, "cp-3", "did not come") // and the two others are done
	c.World.Node("cp-3").PowerOn()
	if r := recovered(t, options(c)); r.Recovered != "" {
		t.Errorf("got %+v", r)
	}
	holdsTheSnapshot(t, c)
}

func TestADryRunSaysWhatWouldBeDone(t *testing.T) {
	t.Parallel()
	c := formed(t)
	o := options(c)
	o.DryRun, o.Confirm, o.Wipe = true, "", controlPlanes
	r := recovered(t, o)
	if r.Recovered != "cp-1" || !slices.Equal(r.Wiped, controlPlanes) || r.Changed || c.Count("Reset") != 0 || c.Count("EtcdRecover") != 0 {
		t.Errorf("got %+v", r)
	}
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

func TestASnapshotIsForTheUserAloneAndTheOldestGo(t *testing.T) {
	t.Parallel()
	c := formed(t)
	dir := c.File("backups")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"platform-20260101T000000Z.snapshot", "platform-20260102T000000Z.snapshot", "platform-extra-20260101T000000Z.snapshot", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := recovery.Take(t.Context(), recovery.SnapshotOptions{Options: access(c), Dir: dir, Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	if s.Node != "cp-1" || !s.Info.Hashed || s.Info.Revision != 53 || len(s.Info.Members) != 3 || !slices.Equal(s.Removed, []string{"platform-20260101T000000Z.snapshot"}) {
		t.Errorf("got %+v", s)
	}
	stat, err := os.Stat(s.Location)
	if err != nil || stat.Mode().Perm() != 0o600 || stat.Size() != s.Info.Bytes {
		t.Errorf("got %v, %v", stat, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Errorf("left: %v", left)
	}
	c.World.Node("cp-1").PowerOff()
	if s, err = recovery.Take(t.Context(), recovery.SnapshotOptions{Options: access(c), Output: c.File("second")}); err != nil || s.Node != "cp-2" {
		t.Errorf("with a node down: %+v, %v", s, err)
	}
	c.World.Node("cp-2").PowerOff()
	if _, err = recovery.Take(t.Context(), recovery.SnapshotOptions{Options: access(c), Output: c.File("third")}); err == nil || !strings.Contains(err.Error(), "no control plane of cluster platform gives a snapshot") {
		t.Errorf("without a quorum: %v", err)
	}
	if left, _ := filepath.Glob(c.File("*third*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
