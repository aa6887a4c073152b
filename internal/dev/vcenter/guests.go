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

// guests is the agent in every machine: it reports the machine's address when it
// is powered on.
type guests struct {
	mo.Folder // gives it a reference, which handlers need

	addresses func(machine, config string) []string

	mu     sync.Mutex
	leases map[string]string // addresses by DHCP
}

func newGuests(addresses func(machine, config string) []string) *guests {
	g := &guests{addresses: addresses, leases: map[string]string{}}
	g.Self = types.ManagedObjectReference{Type: "Folder", Value: "pave-guests"}
	if addresses == nil {
		g.addresses = g.configured
	}
	return g
}

// PutObject implements simulator.RegisterObject.
func (*guests) PutObject(*simulator.Context, mo.Reference) {}

// RemoveObject implements simulator.RegisterObject.
func (*guests) RemoveObject(*simulator.Context, types.ManagedObjectReference) {}

// UpdateObject implements simulator.RegisterObject.
func (g *guests) UpdateObject(ctx *simulator.Context, o mo.Reference, changes []types.PropertyChange) {
	vm, ok := o.(*mo.VirtualMachine)
	if !ok {
		return
	}
	for _, c := range changes {
		if c.Name == "runtime.powerState" && c.Val == types.VirtualMachinePowerStatePoweredOn {
			g.report(ctx, vm)
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
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.leases[machine]; !known && strings.TrimSpace(config) != "" {
		g.leases[machine] = fmt.Sprintf("10.20.1.%d", len(g.leases)+1)
	}
	return []string{g.leases[machine]}
}
