package vcenter

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"

	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Machine is a machine that is powered on.
type Machine struct {
	Name    string
	Address string // IP
	Config  []byte // Talos machine config, from guestinfo
}

// Hypervisor runs the machines that vCenter has. It is called with vCenter's locks
// held, so it must not ask vCenter anything.
type Hypervisor interface {
	PowerOn(m Machine)
	PowerOff(name string) // its disk stays
	Remove(name string)   // with its disk
}

// guests is the agent in every machine: it reports the machine's address when it
// is powered on.
type guests struct {
	mo.Folder // gives it a reference, which handlers need

	addresses  func(machine, config string) []string
	hypervisor Hypervisor // or nil
	dhcp       []string   // all addresses that it has

	mu     sync.Mutex
	leases map[string]string                       // addresses by DHCP
	names  map[types.ManagedObjectReference]string // of the machines that run, or did
}

func newGuests(o Options) *guests {
	g := &guests{
		addresses: o.Addresses, hypervisor: o.Hypervisor, dhcp: o.DHCP,
		leases: map[string]string{}, names: map[types.ManagedObjectReference]string{},
	}
	g.Self = types.ManagedObjectReference{Type: "Folder", Value: "pave-guests"}
	if g.addresses == nil {
		g.addresses = g.configured
	}
	if len(g.dhcp) == 0 {
		for i := range 254 {
			g.dhcp = append(g.dhcp, fmt.Sprintf("10.20.1.%d", i+1))
		}
	}
	return g
}

// PutObject implements simulator.RegisterObject.
func (*guests) PutObject(*simulator.Context, mo.Reference) {}

// RemoveObject implements simulator.RegisterObject.
func (g *guests) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	g.mu.Lock()
	name, ran := g.names[ref]
	delete(g.names, ref)
	g.mu.Unlock()
	if ran {
		g.hypervisor.Remove(name)
	}
}

// UpdateObject implements simulator.RegisterObject.
func (g *guests) UpdateObject(ctx *simulator.Context, o mo.Reference, changes []types.PropertyChange) {
	vm, ok := o.(*mo.VirtualMachine)
	if !ok {
		return
	}
	for _, c := range changes {
		switch {
		case c.Name != "runtime.powerState":
		case c.Val == types.VirtualMachinePowerStatePoweredOn:
			g.report(ctx, vm)
		case g.hypervisor != nil:
			g.hypervisor.PowerOff(vm.Name)
		}
	}
}

func (g *guests) report(ctx *simulator.Context, vm *mo.VirtualMachine) {
	var config string
	for _, option := range vm.Config.ExtraConfig {
		if o := option.GetOptionValue(); o.Key == "guestinfo.talos.config" {
			config, _ = o.Value.(string)
		}
	}
	addresses := g.addresses(vm.Name, config)
	if len(addresses) == 0 {
		return
	}
	var nics []types.GuestNicInfo
	for _, d := range vm.Config.Hardware.Device {
		if card, ok := d.(types.BaseVirtualEthernetCard); ok {
			nics = append(nics, types.GuestNicInfo{DeviceConfigId: card.GetVirtualEthernetCard().Key, Connected: true, IpAddress: addresses})
		}
	}
	ctx.Update(vm, []types.PropertyChange{
		{Name: "guest.net", Val: nics}, {Name: "guest.ipAddress", Val: addresses[0]},
	})
	g.run(vm, addresses[0], config)
}

// run gives the machine to the hypervisor, if there is one.
func (g *guests) run(vm *mo.VirtualMachine, address, config string) {
	content, err := base64.StdEncoding.DecodeString(config)
	if g.hypervisor == nil || err != nil {
		return
	}
	g.mu.Lock()
	g.names[vm.Self] = vm.Name
	g.mu.Unlock()
	g.hypervisor.PowerOn(Machine{Name: vm.Name, Address: address, Config: content})
}

// configured gives the static addresses of a machine config, or one of DHCP.
func (g *guests) configured(machine, config string) []string {
	content, err := base64.StdEncoding.DecodeString(config)
	if err != nil {
		return nil
	}
	talos, err := configloader.NewFromBytes(content)
	if err != nil {
		return nil
	}
	var static []string
	for _, link := range talos.NetworkCommonLinkConfigs() {
		for _, a := range link.Addresses() {
			static = append(static, a.Address().Addr().String())
		}
	}
	if len(static) > 0 {
		return static
	}
	if strings.TrimSpace(config) == "" {
		return nil
	}
	return g.lease(machine)
}

// lease gives a machine the address that it had before, or the next one: none if
// there is none left.
func (g *guests) lease(machine string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.leases[machine]; !known {
		if len(g.leases) == len(g.dhcp) {
			return nil
		}
		g.leases[machine] = g.dhcp[len(g.leases)]
	}
	return []string{g.leases[machine]}
}
