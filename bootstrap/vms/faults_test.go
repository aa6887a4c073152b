package vms_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/vcentertest"
)

func TestEverythingThatIsMissingIsReportedAtOnce(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	yaml := strings.NewReplacer(
		"datacenter: DC0", "datacenter: DC1", "cluster: DC0_C0", "cluster: DC0_CO", "datastore: LocalDS_0", "datastore: ssd",
		"network: DC0_DVPG0\n", "network: DC0_DVPG1\n    resourcePool: pool\n    folder: kubernetes\n",
	).Replace(l.ClusterYAML(nodes...))
	_, err := vms.Plan(t.Context(), options(t, l, yaml))
	for _, want := range []string{
		`spec.vsphere.datacenter: there is no datacenter "DC1", did you mean DC0? (there are: DC0)`,
		`spec.vsphere.cluster: there is no cluster or host "DC0_CO", did you mean DC0_C0? (there are: DC0_C0, DC0_H0)`,
		`spec.vsphere.datastore: there is no datastore "ssd" (there are: LocalDS_0)`,
		`spec.vsphere.network: there is no network "DC0_DVPG1", did you mean DC0_DVPG0?`,
		`spec.vsphere.resourcePool: there is no resource pool "pool"`,
		`spec.vsphere.folder: there is no folder "kubernetes"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) != fault.Input {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestANameThatSomebodyElseHasIsRefusedBeforeAnythingIsMade(t *testing.T) {
	for name, inFolder := range map[string]bool{"in the cluster's folder": true, "elsewhere": false} {
		t.Run(name, func(t *testing.T) {
			l := vcentertest.Start(t, vcenter.Options{})
			o := options(t, l, l.ClusterYAML(nodes...))
			l.Foreign(t, "lab-w-1", map[bool]string{true: "lab"}[inFolder])
			for range 2 {
				wantsInput(t, o, "nothing was changed:\n  lab-w-1 is ")
			}
			if n := len(l.Machines(t)); n != 1 {
				t.Errorf("there are %d machines", n)
			}
			if _, err := os.Stat(o.Artefact); err == nil {
				t.Error("an artefact was written")
			}
			destroy(t, o)
			if n := len(l.Machines(t)); n != 1 {
				t.Errorf("destroy left %d machines", n)
			}
		})
	}
}

// sessions ends the session of every nth call.
type sessions struct {
	every atomic.Int64 // 0: never
	calls atomic.Int64
	ended atomic.Int64
	dead  sync.Map
}

func (s *sessions) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, every := s.calls.Add(1), s.every.Load()
		for _, key := range []string{"Cookie", "Vmware-Api-Session-Id"} {
			id := r.Header.Get(key)
			if _, dead := s.dead.Load(id); id != "" && !dead && every > 0 && n%every == 0 {
				s.dead.Store(id, true)
				s.ended.Add(1)
			}
			if _, dead := s.dead.Load(id); dead {
				r.Header.Del(key)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// TestASessionThatEndsIsOpenedAgain ends the sessions every few calls of a run that
// makes two machines.
func TestASessionThatEndsIsOpenedAgain(t *testing.T) {
	s := &sessions{}
	l := vcentertest.Start(t, vcenter.Options{Wrap: s.wrap})
	o := options(t, l, l.ClusterYAML(nodes[0]))
	apply(t, o)
	s.every.Store(23)
	o.Cluster = parse(t, l, l.ClusterYAML(nodes...))
	apply(t, o)
	s.every.Store(0)
	if s.ended.Load() < 2 {
		t.Errorf("only %d sessions ended", s.ended.Load())
	}
	if n := len(l.Machines(t)); n != 4 {
		t.Errorf("there are %d machines and images", n)
	}
}

func TestACallThatFailsStopsOneMachineAndTheNextRunFinishes(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		fault  types.BaseMethodFault
		want   string
	}{
		"the datastore is full":     {"CloneVM_Task", &types.NoDiskSpace{}, ": datastore LocalDS_0 is full; free space on it"},
		"a privilege is missing":    {"CloneVM_Task", &types.NoPermission{PrivilegeId: "VirtualMachine.Inventory.CreateFromExisting"}, "the vCenter user lacks the privilege VirtualMachine.Inventory.CreateFromExisting"},
		"a host cannot start it":    {"PowerOnVM_Task", &types.InsufficientResourcesFault{}, "InsufficientResourcesFault"},
		"vCenter does not say more": {"PowerOnVM_Task", &types.SystemErrorFault{Reason: "x"}, "run it again: it goes on where it stopped"},
		"an upload is refused":      {"HttpNfcLeaseComplete", &types.SystemErrorFault{Reason: "x"}, "making the image lab-image-"},
		"an image cannot be marked": {"MarkAsTemplate", &types.InvalidState{}, "making the image lab-image-"},
	} {
		t.Run(name, func(t *testing.T) {
			l := vcentertest.Start(t, vcenter.Options{})
			l.Model.Service.AddFaultRule(&simulator.FaultInjectionRule{
				MethodName: c.method, ObjectType: "*", ObjectName: "*", Probability: 1, FaultType: simulator.FaultTypeCustom, Fault: c.fault, MaxCount: 1, Enabled: true,
			})
			o := options(t, l, l.ClusterYAML(nodes...))
			wants(t, o, c.want)
			if _, err := os.Stat(o.Artefact); err == nil {
				t.Error("an artefact was written")
			}
			on := 0
			for _, m := range l.Machines(t) {
				if m.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
					on++
				}
			}
			if strings.HasSuffix(c.method, "VM_Task") && on != 2 {
				t.Errorf("%d machines are on: the others did not go on", on)
			}
			apply(t, o)
			open(t, o)
			if n := len(l.Machines(t)); n != 4 {
				t.Errorf("there are %d machines and images", n)
			}
		})
	}
}

// TestTasksThatFailAreAllNamed has vCenter accept the calls and fail the tasks: no
// host starts machines while it is maintained.
func TestTasksThatFailAreAllNamed(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	l.Maintenance(t, true)
	err := wants(t, o, "3 things failed, the others are done; no artefact was written")
	for _, name := range []string{"lab-cp-1", "lab-w-1", "lab-w-2"} {
		if err == nil || !strings.Contains(err.Error(), "powering "+name+" on: ") || !strings.Contains(err.Error(), "InvalidState") {
			t.Errorf("%s is not in %v", name, err)
		}
	}
	l.Maintenance(t, false)
	apply(t, o)
}

func TestAMachineThatNeverComesUpIsNamedAndTheOthersGoOn(t *testing.T) {
	var dead atomic.Bool
	dead.Store(true)
	l := vcentertest.Start(t, vcenter.Options{Addresses: func(machine, _ string) []string {
		if machine == "lab-w-2" && dead.Load() {
			return []string{"169.254.7.7", "fe80::1"}
		}
		return []string{"10.20.0.10", map[string]string{"lab-cp-1": "10.20.0.11", "lab-w-1": "10.20.0.21", "lab-w-2": "10.20.1.7"}[machine]}
	}})
	o := options(t, l, l.ClusterYAML(nodes...))
	o.Timeout = 8 * time.Second
	err := wants(t, o, "machine lab-w-2 got no address within 8s; look at its console in vSphere and at the DHCP server")
	if err != nil && (strings.Contains(err.Error(), "lab-cp-1") || strings.Contains(err.Error(), "lab-w-1")) {
		t.Errorf("it names others: %v", err)
	}
	dead.Store(false)
	vm := l.Machines(t)["lab-w-2"]
	task, err := object.NewVirtualMachine(l.Client(t).Client, vm.Self).PowerOff(t.Context())
	must(t, err)
	must(t, task.Wait(t.Context()))
	if r := apply(t, o); r.Nodes[2].Address != "10.20.1.7" {
		t.Errorf("nodes %+v", r.Nodes)
	}
}

func TestAnInterruptedRunSaysSoAndIsFinishedByTheNext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := vcentertest.Start(t, vcenter.Options{Addresses: func(machine, _ string) []string {
		cancel() // while it waits for addresses
		return map[string][]string{"lab-cp-1": {"10.20.0.11"}, "lab-w-1": {"10.20.0.21"}, "lab-w-2": {"10.20.1.1"}}[machine]
	}})
	o := options(t, l, l.ClusterYAML(nodes...))
	if _, err := vms.Apply(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	apply(t, o)
	open(t, o)
}

func TestAnImageIsUsedOnlyIfItIsTheOne(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	content, err := os.ReadFile(filepath.Join(l.Dir, "talos.ova"))
	must(t, err)
	damaged := bytes.Clone(content)
	damaged[len(damaged)/2] ^= 1
	l.Write(t, "talos.ova", string(damaged))
	wantsInput(t, o, "talos.ova has the SHA-256 ")
	must(t, os.Remove(filepath.Join(l.Dir, "talos.ova")))
	wantsInput(t, o, "spec.ova.file: ")
	l.Write(t, "talos.ova", string(content[:len(content)-1024]))
	wantsInput(t, o, "talos.ova has the SHA-256 ")
	if n := len(l.Machines(t)); n != 0 {
		t.Errorf("%d machines were made", n)
	}
	o.Cluster = parse(t, l, strings.Replace(l.ClusterYAML(nodes...), l.OVASum, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", 1))
	l.Write(t, "talos.ova", "hello\n")
	wantsInput(t, o, "talos.ova is not an OVA")
	l.Write(t, "talos.ova", string(content))
	o.Cluster = parse(t, l, l.ClusterYAML(nodes...))
	apply(t, o)
}

func TestSecretsOfALivingClusterAreNeverMadeAnew(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes[:2]...))
	apply(t, o)
	for _, m := range l.Machines(t) {
		if m.Config.Template {
			task, err := object.NewVirtualMachine(l.Client(t).Client, m.Self).Destroy(t.Context())
			must(t, err)
			must(t, task.Wait(t.Context()))
			continue
		}
		task, err := object.NewVirtualMachine(l.Client(t).Client, m.Self).Reconfigure(t.Context(), types.VirtualMachineConfigSpec{
			ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "pave.cluster.sealed", Value: ""}},
		})
		must(t, err)
		must(t, task.Wait(t.Context()))
	}
	kept := o.Artefact + ".kept"
	must(t, os.Rename(o.Artefact, kept))
	o.Cluster = parse(t, l, l.ClusterYAML(nodes...))
	wantsInput(t, o, "cluster lab has machines, and neither the artefact nor a sealed copy of its secrets is there; give its artefact")
	must(t, os.Rename(kept, o.Artefact))
	apply(t, o)
	open(t, o)
}

func TestAnArtefactOfAnotherClusterIsRefused(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	apply(t, o)
	destroy(t, o)
	kept, err := os.ReadFile(o.Artefact)
	must(t, err)
	must(t, os.Remove(o.Artefact))
	apply(t, o)
	must(t, os.WriteFile(o.Artefact, kept, 0o600))
	wantsInput(t, o, "is of another cluster that was called lab too")
	must(t, os.WriteFile(o.Artefact, kept[:len(kept)/2], 0o600))
	wantsInput(t, o, "is cut off or no JSON")
}

func TestWhoMayNotComeInIsTold(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	o.Password.File = l.Write(t, "wrong", "another")
	wantsInput(t, o, "refuses the user name or the password")
	o = options(t, l, l.ClusterYAML(nodes...))
	o.CAFile = ""
	wants(t, o, "give the CA that signed its certificate with --ca-file")
	o = options(t, l, strings.Replace(l.ClusterYAML(nodes...), l.Host, "127.0.0.1:1", 1))
	wants(t, o, "check spec.vsphere.server")
}
