package vms_test

import (
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/bootstrap/artefact"
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
	strings.Replace(vcentertest.Node("lab-w-2", "worker", ""), "}", ", dataDisks: [5Gi, 7Gi]}", 1),
}

func parse(t testing.TB, l *vcentertest.Lab, yaml string) *config.Cluster {
	t.Helper()
	c, err := config.Parse(filepath.ToSlash(filepath.Join(l.Dir, "cluster.yaml")), []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// options are those of a user who has everything. The secrets are not new: a large
// key takes a second, and what makes them is tested elsewhere.
func options(t testing.TB, l *vcentertest.Lab, yaml string) vms.Options {
	t.Helper()
	return vms.WithSecrets(vms.Options{
		Cluster: parse(t, l, yaml), Username: secret.Source{File: l.UsernameFile}, Password: secret.Source{File: l.PasswordFile},
		CAFile: l.CAFile, Artefact: filepath.Join(l.Dir, "out", artefact.FileName), Identity: secret.Source{File: l.IdentityFile},
		Timeout: time.Minute, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}, quickSecrets)
}

func apply(t testing.TB, o vms.Options) *vms.Result {
	t.Helper()
	r, err := vms.Apply(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func open(t testing.TB, o vms.Options) (*artefact.Artefact, *artefact.Secrets) {
	t.Helper()
	a, err := artefact.Read(o.Artefact, artefact.Expect{Cluster: "lab"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.Open(o.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return a, s
}

func TestAClusterIsMadeOnceAndThenLeftAlone(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	planned, err := vms.Plan(t.Context(), o)
	must(t, err)
	if n := len(l.Machines(t)); n != 0 {
		t.Fatalf("the plan made %d machines", n)
	}
	done := apply(t, o)
	if !slices.Equal(planned.Changes, done.Changes) {
		t.Errorf("planned %v, done %v", planned.Changes, done.Changes)
	}
	a, s := open(t, o)
	if a.Cluster.ID != done.ID || a.Cluster.Endpoint != "https://10.20.0.10:6443" || len(a.Nodes) != 3 {
		t.Errorf("artefact %+v", a)
	}
	for i, want := range []string{"10.20.0.11", "10.20.0.21", "10.20.1.1"} {
		if a.Nodes[i].Address != want || done.Nodes[i].Address != want {
			t.Errorf("node %d has address %s, want %s", i, a.Nodes[i].Address, want)
		}
	}
	machines := l.Machines(t)
	for i, n := range o.Cluster.Spec.Nodes {
		m := machines[string(n.Name)]
		check(t, l, m, n)
		if extra := vcentertest.Extra(m); extra["pave.cluster.id"] != done.ID || a.Nodes[i].VM != m.Self.Value || a.Nodes[i].UUID != m.Config.Uuid {
			t.Errorf("%s: %v, artefact %+v", n.Name, extra, a.Nodes[i])
		}
		text, err := base64.StdEncoding.DecodeString(vcentertest.Extra(m)["guestinfo.talos.config"])
		must(t, err)
		if string(text) != s.MachineConfigs[string(n.Name)] {
			t.Errorf("%s was not made with the config in the artefact", n.Name)
		}
		p, err := configloader.NewFromBytes(text)
		must(t, err)
		if p.Machine().Security().Token() != s.Bundle.TrustdInfo.Token {
			t.Errorf("%s has other secrets than the artefact", n.Name)
		}
	}
	l.CheckTags(t, map[string]string{"environment": "test", "project": "idp", "managed_by": "pave", "pave-cluster": done.ID}, 5)

	o.Identity = secret.Source{} // nothing is made, so nothing is opened
	before, err := os.ReadFile(o.Artefact)
	must(t, err)
	if again := apply(t, o); again.Changed() {
		t.Errorf("the second run changed %+v", again.Changes)
	}
	if after, err := os.ReadFile(o.Artefact); err != nil || string(before) != string(after) {
		t.Errorf("the second run wrote the artefact: %v", err)
	}
}

// check compares a machine with what cluster.yaml says.
func check(t *testing.T, l *vcentertest.Lab, m mo.VirtualMachine, n config.Node) {
	t.Helper()
	if m.Config == nil || m.Config.Hardware.NumCPU != int32(n.CPU) || int64(m.Config.Hardware.MemoryMB)<<20 != n.Memory.Bytes() || m.Config.Template {
		t.Fatalf("%s is %+v", n.Name, m.Config)
	}
	if m.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		t.Errorf("%s is %s", n.Name, m.Runtime.PowerState)
	}
	devices := object.VirtualDeviceList(m.Config.Hardware.Device)
	var sizes []int64
	for _, d := range devices.SelectByType((*types.VirtualDisk)(nil)) {
		sizes = append(sizes, d.(*types.VirtualDisk).CapacityInBytes)
	}
	want := []int64{n.Disk.Bytes()}
	for _, d := range n.DataDisks {
		want = append(want, d.Bytes())
	}
	slices.Sort(sizes)
	slices.Sort(want)
	if !slices.Equal(sizes, want) {
		t.Errorf("%s has disks of %v, want %v", n.Name, sizes, want)
	}
	cards := devices.SelectByType((*types.VirtualEthernetCard)(nil))
	if len(cards) != 1 || devices.Type(cards[0]) != "ethernet" {
		t.Fatalf("%s has network cards %v", n.Name, cards)
	}
	if _, ok := cards[0].(*types.VirtualVmxnet3); !ok {
		t.Errorf("%s has a %T", n.Name, cards[0])
	}
	if len(m.Network) != 1 || l.NetworkName(t, m.Network[0]) != vcenter.Network {
		t.Errorf("%s is in %v", n.Name, m.Network)
	}
}

func TestAWorkerIsAddedByTheSameCommand(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes[:2]...))
	first := apply(t, o)
	_, before := open(t, o)
	old := l.Machines(t)

	o.Cluster = parse(t, l, l.ClusterYAML(nodes...))
	second := apply(t, o)
	if got := actions(second); got != "create machine lab-w-2, attach tags lab, write artefact "+o.Artefact {
		t.Errorf("did %s", got)
	}
	_, after := open(t, o)
	if first.ID != second.ID || before.Bundle.TrustdInfo.Token != after.Bundle.TrustdInfo.Token {
		t.Error("the cluster got other secrets")
	}
	for name, m := range old {
		if now := l.Machines(t)[name]; now.Self != m.Self || now.Config.ChangeVersion != m.Config.ChangeVersion {
			t.Errorf("%s was changed", name)
		}
	}
	l.CheckTags(t, map[string]string{"environment": "test", "project": "idp", "managed_by": "pave", "pave-cluster": second.ID}, 5)
}

func actions(r *vms.Result) string {
	var all []string
	for _, c := range r.Changes {
		all = append(all, string(c.Action)+" "+string(c.Kind)+" "+c.Name)
	}
	return strings.Join(all, ", ")
}

func TestALostArtefactIsMadeAgainFromTheCopyInVCenter(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	apply(t, o)
	a, before := open(t, o)
	must(t, os.Remove(o.Artefact))
	sealed := o
	sealed.Identity = secret.Source{}
	wants(t, sealed, "the artefact of cluster lab is sealed; give the age identity of one of its recipients")
	if got := actions(apply(t, o)); got != "write artefact "+o.Artefact {
		t.Errorf("did %s", got)
	}
	b, after := open(t, o)
	if a.Cluster != b.Cluster || before.Bundle.Secrets.BootstrapToken != after.Bundle.Secrets.BootstrapToken {
		t.Error("the secrets are others")
	}
}

func TestALostClusterIsMadeAgainWithItsSecrets(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	apply(t, o)
	a, before := open(t, o)
	destroy(t, o)
	apply(t, o)
	b, after := open(t, o)
	if a.Cluster.ID != b.Cluster.ID || before.Bundle.Secrets.BootstrapToken != after.Bundle.Secrets.BootstrapToken {
		t.Error("with its artefact, the cluster is another one")
	}
	destroy(t, o)
	must(t, os.Remove(o.Artefact))
	apply(t, o)
	c, fresh := open(t, o)
	if a.Cluster.ID == c.Cluster.ID || before.Bundle.Secrets.BootstrapToken == fresh.Bundle.Secrets.BootstrapToken {
		t.Error("without its artefact, the cluster has the old secrets")
	}
}
