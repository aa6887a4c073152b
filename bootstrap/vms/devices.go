package vms

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/bootstrap/machineconfig"
	"github.com/pave-platform/pave/internal/fault"
)

// networkBacking is what connects a network card to the cluster's network.
func (r *run) networkBacking(ctx context.Context) (types.BaseVirtualDeviceBackingInfo, error) {
	if !slices.ContainsFunc(r.result.Changes, func(c Change) bool { return c.Kind == KindMachine && c.Action == Create }) {
		return nil, nil
	}
	network, ok := object.NewReference(r.vc.Client, r.place.network).(object.NetworkReference)
	if !ok {
		return nil, fault.Failedf("network %s cannot be connected to", r.Cluster.Spec.VSphere.Network)
	}
	backing, err := network.EthernetCardBackingInfo(ctx)
	return backing, r.explain(ctx, fmt.Sprintf("network %s", r.Cluster.Spec.VSphere.Network), err)
}

// cloneSpec says what the machine is.
func (w *work) cloneSpec(image machine) (types.VirtualMachineCloneSpec, error) {
	extra, err := w.extra()
	if err != nil {
		return types.VirtualMachineCloneSpec{}, err
	}
	devices, err := deviceChanges(image.devices, w.node, w.backing, w.place.datastoreName)
	if err != nil {
		return types.VirtualMachineCloneSpec{}, err
	}
	return types.VirtualMachineCloneSpec{
		Location: types.VirtualMachineRelocateSpec{Datastore: &w.place.datastore, Pool: &w.place.pool},
		Config: &types.VirtualMachineConfigSpec{
			NumCPUs:      int32(w.node.CPU),
			MemoryMB:     w.node.Memory.Bytes() >> 20,
			ExtraConfig:  extra,
			DeviceChange: devices,
			Annotation:   fmt.Sprintf("%s of cluster %s, made by pave", w.node.Role, w.Cluster.Metadata.Name),
		},
	}, nil
}

// deviceChanges makes the image's devices those of the machine: the disk larger,
// disks for data, and one network card whose driver the machine config knows.
func deviceChanges(image object.VirtualDeviceList, n config.Node, backing types.BaseVirtualDeviceBackingInfo, datastore string) ([]types.BaseVirtualDeviceConfigSpec, error) {
	disks := image.SelectByType((*types.VirtualDisk)(nil))
	if len(disks) == 0 {
		return nil, fault.Inputf("the image has no disk").Fix("use the OVA of Talos for vSphere")
	}
	system, ok := disks[0].(*types.VirtualDisk)
	if !ok {
		return nil, fault.Inputf("the image's disk is a %T", disks[0])
	}
	var changes []types.BaseVirtualDeviceConfigSpec
	if size := n.Disk.Bytes(); size > capacity(system) {
		larger := *system
		larger.CapacityInBytes, larger.CapacityInKB = size, size>>10
		changes = append(changes, &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: &larger})
	}
	units := freeUnits(image, system.ControllerKey)
	for i, size := range n.DataDisks {
		if i >= len(units) {
			return nil, fault.Inputf("%s has more data disks than the image's disk controller takes", n.Name)
		}
		changes = append(changes, &types.VirtualDeviceConfigSpec{
			Operation: types.VirtualDeviceConfigSpecOperationAdd, FileOperation: types.VirtualDeviceConfigSpecFileOperationCreate,
			Device: &types.VirtualDisk{
				VirtualDevice: types.VirtualDevice{
					Key: int32(-100 - i), ControllerKey: system.ControllerKey, UnitNumber: &units[i],
					Backing: &types.VirtualDiskFlatVer2BackingInfo{
						VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[" + datastore + "]"},
						DiskMode:                     string(types.VirtualDiskModePersistent), ThinProvisioned: types.NewBool(true),
					},
				},
				CapacityInBytes: size.Bytes(), CapacityInKB: size.Bytes() >> 10,
			},
		})
	}
	card, err := cards(image, backing)
	return append(changes, card...), err
}

func capacity(d *types.VirtualDisk) int64 { return max(d.CapacityInBytes, d.CapacityInKB<<10) }

// cards leaves the machine one network card, in the cluster's network.
func cards(image object.VirtualDeviceList, backing types.BaseVirtualDeviceBackingInfo) ([]types.BaseVirtualDeviceConfigSpec, error) {
	has := image.SelectByType((*types.VirtualEthernetCard)(nil))
	if len(has) == 1 {
		if card, ok := has[0].(*types.VirtualVmxnet3); ok {
			connected := *card
			connected.Backing = backing
			return []types.BaseVirtualDeviceConfigSpec{&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: &connected}}, nil
		}
	}
	var changes []types.BaseVirtualDeviceConfigSpec
	for _, card := range has {
		changes = append(changes, &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: card})
	}
	card, err := image.CreateEthernetCard(machineconfig.Driver, backing)
	if err != nil {
		return nil, err
	}
	card.GetVirtualDevice().Key = -1
	return append(changes, &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: card}), nil
}

// What a SCSI controller has: sixteen places, of which it takes one itself.
const (
	scsiUnits = 16
	ownUnit   = 7
)

// freeUnits are the places at a disk controller that no device has.
func freeUnits(devices object.VirtualDeviceList, controller int32) []int32 {
	var free []int32
	for unit := range int32(scsiUnits) {
		taken := unit == ownUnit || slices.ContainsFunc(devices, func(d types.BaseVirtualDevice) bool {
			v := d.GetVirtualDevice()
			return v.ControllerKey == controller && v.UnitNumber != nil && *v.UnitNumber == unit
		})
		if !taken {
			free = append(free, unit)
		}
	}
	return free
}
