package vms

import (
	"context"
	"net/netip"
	"slices"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/internal/fault"
)

// waitForAddress waits until the machine says to vCenter that it has its address.
func (w *work) waitForAddress(ctx context.Context, m machine) (string, error) {
	limited, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	var address string
	err := w.vc.steady(limited, func() error {
		return property.Wait(limited, property.DefaultCollector(w.vc.Client), m.ref, []string{"guest.net"}, func(changes []types.PropertyChange) bool {
			for _, c := range changes {
				if nics, ok := c.Val.(types.ArrayOfGuestNicInfo); ok {
					m.nics = nics.GuestNicInfo
				}
			}
			address = chooseAddress(w.node, m, w.Cluster.Spec.VIP)
			return address != ""
		})
	})
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return "", w.neverCame()
	}
	return address, w.explain(ctx, "waiting for the address of "+string(w.node.Name), err)
}

func (w *work) neverCame() error {
	if w.node.Address != "" {
		return fault.Failedf("machine %s did not get its address %s within %s", w.node.Name, w.node.Address, w.Timeout).
			Fix("look at its console in vSphere; the OVA must have the extension vmtoolsd-guest-agent, which tells vCenter the address; then run it again")
	}
	return fault.Failedf("machine %s got no address within %s", w.node.Name, w.Timeout).
		Fix("look at its console in vSphere and at the DHCP server; the OVA must have the extension vmtoolsd-guest-agent, which tells vCenter the address; then run it again")
}

// chooseAddress gives the address of the machine's own network card: not that of
// a pod network, not the shared one of the control planes, not one that ends at
// the next switch. Without one it is empty.
func chooseAddress(n config.Node, m machine, vip config.Address) string {
	var all []netip.Addr
	for _, nic := range m.nics {
		if nic.DeviceConfigId <= 0 { // made by the machine itself
			continue
		}
		for _, text := range nic.IpAddress {
			a, err := netip.ParseAddr(text)
			if err != nil || a.IsLinkLocalUnicast() || a.IsLoopback() || string(vip) == text {
				continue
			}
			all = append(all, a)
		}
	}
	if n.Address != "" {
		static, err := netip.ParsePrefix(string(n.Address))
		if err != nil || !slices.Contains(all, static.Addr()) {
			return ""
		}
		return static.Addr().String()
	}
	slices.SortStableFunc(all, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() }) // IPv4 first
	if len(all) == 0 {
		return ""
	}
	return all[0].String()
}
