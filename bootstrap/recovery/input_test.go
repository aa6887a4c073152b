package recovery_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/recovery"
	"github.com/pave-platform/pave/internal/fault"
)

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
