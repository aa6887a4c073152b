package cluster_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
)

func look(t *testing.T, c *bootstraptest.Cluster) cluster.Status {
	t.Helper()
	o := cluster.StatusOptions{Options: options(c).Options}
	o.Timeout = soon
	s, err := cluster.Look(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStatusOfAFormedCluster(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3, Workers: 2})
	run(t, options(c))
	s := look(t, c)
	if !s.Healthy || s.Kubernetes != "v1.36.3" || !slices.Equal(s.Etcd, []string{"cp-1", "cp-2", "cp-3"}) {
		t.Errorf("got %+v", s)
	}
	var b bytes.Buffer
	s.Summary(&b)
	table := strings.Split(b.String(), "\n")
	if len(table) != 1+5+1+1 || !strings.HasPrefix(table[0], "NODE ") ||
		!slices.Equal(strings.Fields(table[1]), []string{"cp-1", "controlplane", s.Nodes[0].Address, "running", "v1.13.0", "-", "10", "well", "member"}) ||
		!slices.Equal(strings.Fields(table[5]), []string{"worker-2", "worker", s.Nodes[4].Address, "running", "v1.13.0", "-", "8", "well", "-"}) {
		t.Errorf("got\n%s", b.String())
	}
}

func TestStatusWithHalfOfTheClusterDown(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3, Workers: 1, Bare: []string{"worker-1"}})
	o := options(c)
	o.Timeout = short
	_, _ = cluster.Run(t.Context(), o)
	for _, name := range []string{"cp-1", "cp-2"} {
		c.World.Node(name).PowerOff()
	}
	s := look(t, c)
	if s.Healthy || s.Kubernetes != "" || s.Problem == "" {
		t.Errorf("got %+v", s)
	}
	for i, want := range []struct{ stage, etcd string }{{"refused", ""}, {"refused", ""}, {"booting", "no quorum"}, {"insecure", ""}} {
		if n := s.Nodes[i]; n.Stage != want.stage || n.Etcd != want.etcd || n.Good() {
			t.Errorf("%s: stage %q, etcd %q; want %+v", n.Name, n.Stage, n.Etcd, want)
		}
	}
}

func TestStatusBeforePhaseTwo(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1})
	o := options(c)
	o.DryRun = true
	run(t, o) // it is up
	if s := look(t, c); s.Healthy || s.Nodes[0].Stage != "booting" || s.Nodes[0].Etcd != "none" || len(s.Etcd) != 0 {
		t.Errorf("got %+v", s)
	}
}
