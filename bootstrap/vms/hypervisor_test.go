package vms_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/vcentertest"
)

// host writes down what it is told to run.
type host struct {
	mu   sync.Mutex
	told []string
}

func (h *host) tell(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, what)
}

// PowerOn implements vcenter.Hypervisor.
func (h *host) PowerOn(m vcenter.Machine) {
	h.tell("on " + m.Name + " " + m.Address)
	if len(m.Config) == 0 {
		h.tell("no config")
	}
}

// PowerOff implements vcenter.Hypervisor.
func (h *host) PowerOff(name string) { h.tell("off " + name) }

// Remove implements vcenter.Hypervisor.
func (h *host) Remove(name string) { h.tell("removed " + name) }

func TestAHypervisorRunsWhatVCenterHas(t *testing.T) {
	h := &host{}
	l := vcentertest.Start(t, vcenter.Options{Hypervisor: h, DHCP: []string{"10.9.8.7"}})
	o := options(t, l, l.ClusterYAML(vcentertest.Node("cp-1", "controlplane", "")))
	apply(t, o)
	destroy(t, o)
	apply(t, o)
	if want := []string{"on cp-1 10.9.8.7", "off cp-1", "removed cp-1", "on cp-1 10.9.8.7"}; !slices.Equal(h.told, want) {
		t.Errorf("it was told %q, want %q", h.told, want)
	}
}
