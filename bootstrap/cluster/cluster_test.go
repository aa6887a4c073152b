package cluster_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/bootstrap/fleet"
	"github.com/pave-platform/pave/internal/dev/talos"
	"github.com/pave-platform/pave/internal/fault"
)

// soon is the time in which a node that is to come comes, with much to spare;
// short the time after which one that is not is given up.
const (
	soon  = 60 * time.Second
	short = 2 * time.Second
	poll  = 5 * time.Millisecond
)

func options(c *bootstraptest.Cluster) cluster.Options {
	return cluster.Options{
		Options: fleet.Options{Artefact: c.Artefact, Identity: c.Identity, Timeout: soon, Poll: poll},
		Files:   fleet.Files{Kubeconfig: c.File("out/kubeconfig"), Talosconfig: c.File("out/talosconfig")},
	}
}

func run(t *testing.T, o cluster.Options) cluster.Result {
	t.Helper()
	r, err := cluster.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMachinesBecomeACluster(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3, Workers: 2})
	o := options(c)
	r := run(t, o)
	if r.Bootstrapped != "cp-1" || !r.Changed || len(r.Nodes) != 5 || r.Kubernetes != "v1.36.3" || r.Cluster != bootstraptest.Name {
		t.Errorf("got %+v", r)
	}
	for _, n := range r.Nodes {
		if n.Missing != "" || n.Talos != talos.Version {
			t.Errorf("got %+v", n)
		}
	}
	if got := c.World.Node("cp-2").Members(); !slices.Equal(got, []string{"cp-1", "cp-2", "cp-3"}) {
		t.Errorf("etcd has the members %v", got)
	}
	before := files(t, o)

	r = run(t, o)
	if r.Changed || r.Bootstrapped != "" {
		t.Errorf("the second run: %+v", r)
	}
	if !bytes.Equal(before, files(t, o)) {
		t.Error("the second run wrote other files")
	}
	if n := c.Count("Bootstrap"); n != 1 {
		t.Errorf("%d bootstraps, want 1", n)
	}
}

// files are both files' content; they must be the user's alone.
func files(t *testing.T, o cluster.Options) []byte {
	t.Helper()
	var all []byte
	for _, path := range []string{o.Kubeconfig, o.Talosconfig} {
		stat, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if stat.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", path, stat.Mode())
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(o.Kubeconfig), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return all
}

func TestAWorkerJoinsLaterByTheSameCommand(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Workers: 1})
	o := options(c)
	run(t, o)
	c.Add(t, "worker-2", "worker")
	r := run(t, o)
	if len(r.Nodes) != 3 || r.Nodes[2].Talos == "" || r.Bootstrapped != "" {
		t.Errorf("got %+v", r)
	}
	if n := c.Count("Bootstrap"); n != 1 {
		t.Errorf("%d bootstraps, want 1", n)
	}
}

func TestControlPlanesAreAddedToTheEtcdThatIsThere(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1})
	o := options(c)
	run(t, o)
	c.Add(t, "a-cp", "controlplane")
	c.Add(t, "b-cp", "controlplane")
	slices.Reverse(c.Content.Nodes) // the first is a new one
	c.Seal(t)
	if r := run(t, o); r.Bootstrapped != "" {
		t.Errorf("got %+v", r)
	}
	if got := c.World.Node("cp-1").Members(); len(got) != 3 {
		t.Errorf("etcd has the members %v", got)
	}
}

func TestANodeThatNeverComesIsNamedAndARerunFinishes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shape        bootstraptest.Shape
		node, why    string
		bootstrapped bool
	}{
		"a worker that is off":            {bootstraptest.Shape{Off: []string{"worker-2"}}, "worker-2", "refuses the connection", true},
		"a control plane that is off":     {bootstraptest.Shape{Off: []string{"cp-3"}}, "cp-3", "refuses the connection", true},
		"the first control plane is off":  {bootstraptest.Shape{Off: []string{"cp-1"}}, "cp-1", "nothing was bootstrapped", false},
		"two of three control planes off": {bootstraptest.Shape{Off: []string{"cp-2", "cp-3"}}, "cp-2", "only 1 of 3 control planes", false},
		"a worker without a config":       {bootstraptest.Shape{Bare: []string{"worker-1"}}, "worker-1", "maintenance mode", true},
		"a worker of another cluster":     {bootstraptest.Shape{Foreign: []string{"cp-2"}}, "cp-2", "belongs to another cluster", true},
		"a clock that is ahead":           {bootstraptest.Shape{Skew: map[string]time.Duration{"cp-2": 3 * time.Hour}}, "cp-2", "its clock is ahead", true},
		"a clock that is behind by hours": {bootstraptest.Shape{Skew: map[string]time.Duration{"cp-3": -5 * time.Hour}}, "cp-3", "its clock is wrong", true},
		"a clock that is behind by days":  {bootstraptest.Shape{Skew: map[string]time.Duration{"cp-3": -50 * time.Hour}}, "cp-3", "its clock is behind", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.shape.ControlPlanes, c.shape.Workers = 3, 2
			l := bootstraptest.Start(t, c.shape)
			o := options(l)
			o.Timeout = short
			r, err := cluster.Run(t.Context(), o)
			if err == nil || fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), c.node) || !strings.Contains(err.Error(), c.why) {
				t.Fatalf("got %v, want an error with %q and %q", err, c.node, c.why)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %s", err)
			}
			if got := r.Kubernetes != ""; got != c.bootstrapped || (l.Count("Bootstrap") == 1) != c.bootstrapped {
				t.Errorf("formed %t with %d bootstraps, want formed %t", got, l.Count("Bootstrap"), c.bootstrapped)
			}
			if len(c.shape.Off) == 0 {
				return
			}
			for _, n := range c.shape.Off {
				l.World.Node(n).PowerOn()
			}
			run(t, options(l))
			if n := l.Count("Bootstrap"); n != 1 {
				t.Errorf("%d bootstraps in the end, want 1", n)
			}
		})
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Workers: 1})
	o := options(c)
	o.DryRun = true
	r := run(t, o)
	if r.Bootstrapped != "cp-1" || r.Changed || c.Count("Bootstrap") != 0 {
		t.Errorf("got %+v and %d bootstraps", r, c.Count("Bootstrap"))
	}
	if _, err := os.Stat(o.Kubeconfig); err == nil {
		t.Error("a kubeconfig was written")
	}
}

func TestBadInputIsRefusedBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1})
	for name, x := range map[string]struct {
		change func(*cluster.Options)
		want   string
	}{
		"no artefact":                  {func(o *cluster.Options) { o.Artefact = c.File("no") }, "does not exist"},
		"the wrong cluster":            {func(o *cluster.Options) { o.Cluster = "other" }, "is of cluster platform, not of other"},
		"no identity":                  {func(o *cluster.Options) { o.Identity.File = "" }, "is sealed"},
		"a file in the folder's place": {func(o *cluster.Options) { o.Kubeconfig = c.Artefact + "/x/kubeconfig" }, "cannot be written"},
		"a folder in the file's place": {func(o *cluster.Options) { o.Talosconfig = c.Dir }, "cannot be written"},
	} {
		o := options(c)
		x.change(&o)
		_, err := cluster.Run(t.Context(), o)
		if err == nil || fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: got %v, want an input error with %q", name, err, x.want)
		}
	}
	if n := len(c.World.Calls()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}
