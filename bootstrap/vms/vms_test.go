package vms_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/internal/vcentertest"
)

// nodes is a cluster of one control plane and two workers, one with DHCP.
var nodes = []string{
	vcentertest.Node("lab-cp-1", "controlplane", "10.20.0.11"),
	vcentertest.Node("lab-w-1", "worker", "10.20.0.21"),
	vcentertest.Node("lab-w-2", "worker", ""),
}

func parse(t testing.TB, l *vcentertest.Lab, yaml string) *config.Cluster {
	t.Helper()
	c, err := config.Parse(filepath.Join(l.Dir, "cluster.yaml"), []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func options(t testing.TB, l *vcentertest.Lab, yaml string) vms.Options {
	t.Helper()
	return vms.Options{
		Cluster: parse(t, l, yaml), Username: secret.Source{File: l.UsernameFile}, Password: secret.Source{File: l.PasswordFile},
		CAFile: l.CAFile, Artefact: filepath.Join(l.Dir, "out", "vm_creation.outputs.json"), Identity: secret.Source{File: l.IdentityFile},
		Timeout: 20 * time.Second, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

func TestAClusterIsMadeOnceAndThenLeftAlone(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	r, err := vms.Apply(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	r.Summary(&said)
	t.Log(said.String())
	for name, m := range l.Machines(t) {
		t.Log(name, m.Config.Template, m.Config.Hardware.NumCPU, m.Config.Hardware.MemoryMB, len(m.Config.Hardware.Device))
	}
	o.Identity = secret.Source{}
	r, err = vms.Apply(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Changed() {
		t.Errorf("the second run changed %+v", r.Changes)
	}
}
