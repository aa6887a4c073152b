package vms

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/internal/fault"
)

// What a machine of a cluster carries in its extra configuration, from its
// creation on.
const (
	keyCluster = "pave.cluster.name"
	keyID      = "pave.cluster.id"
	keyPrint   = "pave.cluster.fingerprint" // of the secrets that it was made with
	keySealed  = "pave.cluster.sealed"      // the secrets themselves, see [artefact.Artefact], base64
	keyImage   = "pave.image"               // what an image is a copy of
	keyConfig  = "guestinfo.talos.config"   // where Talos looks on vSphere
)

// machine is a virtual machine, or a template.
type machine struct {
	ref      types.ManagedObjectReference
	name     string
	extra    map[string]string
	template bool
	on       bool
	cpu      int32
	memory   int64 // bytes
	uuid     string
	devices  []types.BaseVirtualDevice
	nics     []types.GuestNicInfo
}

// present is what there is of a cluster in vCenter.
type present struct {
	folder   types.ManagedObjectReference // zero: not there
	id       string                       // empty: nothing is there
	machines map[string]machine           // of the cluster, by name
	images   map[string]machine           // of the cluster, by name, templates or half-made
	source   *machine                     // the template that spec.ova names
}

// machineProperties are what is read of a machine.
var machineProperties = []string{
	"name", "config.extraConfig", "config.template", "config.uuid", "config.hardware", "runtime.powerState", "guest.net",
}

// discover finds what there is of the cluster, and refuses what is in the way.
func discover(ctx context.Context, vc *vcenter, p *place, c *config.Cluster) (*present, error) {
	there, err := vc.discover(ctx, p, c)
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	return there, nil
}

func (vc *vcenter) discover(ctx context.Context, p *place, c *config.Cluster) (*present, error) {
	there, folder, err := vc.folderOf(ctx, p, c)
	if err != nil {
		return nil, err
	}
	all, err := vc.retrieve(ctx, p.vmFolder, []string{"VirtualMachine"}, "name", "parent")
	if err != nil {
		return nil, fault.Failedf("vCenter %s: reading the machines: %w", vc.server, err)
	}
	var ours, elsewhere []types.ManagedObjectReference
	for _, o := range all {
		e := entityOf(o)
		switch {
		case folder.Value != "" && e.parent == folder:
			ours = append(ours, e.ref)
		case isNode(c, e.name), e.name == string(c.Spec.OVA.Template):
			elsewhere = append(elsewhere, e.ref)
		}
	}
	machines, err := vc.machines(ctx, append(ours, elsewhere...))
	if err != nil {
		return nil, err
	}
	return there, there.sort(c, machines, elsewhere)
}

// folderOf finds the cluster's folder.
func (vc *vcenter) folderOf(ctx context.Context, p *place, c *config.Cluster) (*present, types.ManagedObjectReference, error) {
	folder, err := vc.child(ctx, p.parent, "Folder", string(c.Metadata.Name))
	return &present{folder: folder, machines: map[string]machine{}, images: map[string]machine{}}, folder, err
}

// discoverOwn finds what there is of the cluster, whatever else is in the way.
func (vc *vcenter) discoverOwn(ctx context.Context, p *place, c *config.Cluster) (*present, error) {
	there, folder, err := vc.folderOf(ctx, p, c)
	if err != nil || folder.Value == "" {
		return there, err
	}
	all, err := vc.retrieve(ctx, folder, []string{"VirtualMachine"}, "name", "parent")
	if err != nil {
		return nil, fault.Failedf("vCenter %s: reading the machines: %w", vc.server, err)
	}
	var refs []types.ManagedObjectReference
	for _, o := range all {
		refs = append(refs, o.Obj)
	}
	machines, err := vc.machines(ctx, refs)
	if err != nil {
		return nil, err
	}
	own := slices.DeleteFunc(machines, func(m machine) bool { return m.extra[keyCluster] != string(c.Metadata.Name) || m.extra[keyID] == "" })
	without := *c
	without.Spec.OVA.Template = "" // what it was made of may be gone
	return there, there.sort(&without, own, nil)
}

// sort puts each machine where it belongs.
func (there *present) sort(c *config.Cluster, machines []machine, elsewhere []types.ManagedObjectReference) error {
	var wrong []string
	ids, prints := map[string]string{}, map[string]string{}
	for _, m := range machines {
		inFolder := !slices.Contains(elsewhere, m.ref)
		switch {
		case !inFolder && m.name == string(c.Spec.OVA.Template):
			there.source = &m
			continue
		case !inFolder:
			wrong = append(wrong, fmt.Sprintf("%s is the name of another machine in this datacenter, %s", m.name, m.ref.Value))
			continue
		case m.extra[keyCluster] != string(c.Metadata.Name) || m.extra[keyID] == "":
			if isNode(c, m.name) || strings.HasPrefix(m.name, string(c.Metadata.Name)+"-image-") {
				wrong = append(wrong, fmt.Sprintf("%s is there already, and was not made for this cluster", m.name))
			}
			continue // somebody's own machine in the cluster's folder
		case m.extra[keyImage] != "":
			there.images[m.name] = m
		default:
			there.machines[m.name] = m
			prints[m.extra[keyPrint]] = m.name
		}
		ids[m.extra[keyID]] = m.name
		there.id = m.extra[keyID]
	}
	if c.Spec.OVA.Template != "" && there.source == nil {
		wrong = append(wrong, fmt.Sprintf("there is no template %s in this datacenter", c.Spec.OVA.Template))
	}
	slices.Sort(wrong)
	switch {
	case len(ids) > 1:
		return fault.Inputf("the folder %s has machines of %d clusters of that name: %s", c.Metadata.Name, len(ids), pairs(ids)).Fix("move or remove those of all but one by hand")
	case len(prints) > 1:
		return fault.Inputf("the machines of %s were made with %d sets of secrets: %s", c.Metadata.Name, len(prints), pairs(prints)).Fix("remove those of all but one by hand")
	case len(wrong) > 0:
		return fault.Inputf("nothing was changed:\n  %s", strings.Join(wrong, "\n  ")).Fix("choose other names in cluster.yaml, or move those machines away")
	}
	return nil
}

func pairs(m map[string]string) string {
	var all []string
	for id, name := range m {
		all = append(all, name+" "+id)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func isNode(c *config.Cluster, name string) bool {
	return slices.ContainsFunc(c.Spec.Nodes, func(n config.Node) bool { return string(n.Name) == name })
}

func entityOf(o types.ObjectContent) entity {
	e := entity{ref: o.Obj}
	for _, p := range o.PropSet {
		switch v := p.Val.(type) {
		case string:
			e.name = v
		case types.ManagedObjectReference:
			e.parent = v
		}
	}
	return e
}

// child gives the object of a type and name in a folder, or zero.
func (vc *vcenter) child(ctx context.Context, folder types.ManagedObjectReference, kind, name string) (types.ManagedObjectReference, error) {
	var f mo.Folder
	if err := vc.one(ctx, folder, &f, "childEntity"); err != nil {
		return types.ManagedObjectReference{}, fault.Failedf("vCenter %s: reading folder %s: %w", vc.server, folder.Value, err)
	}
	refs := slices.DeleteFunc(f.ChildEntity, func(r types.ManagedObjectReference) bool { return r.Type != kind })
	if len(refs) == 0 {
		return types.ManagedObjectReference{}, nil
	}
	var entities []mo.ManagedEntity
	if err := vc.read(ctx, refs, &entities, "name"); err != nil {
		return types.ManagedObjectReference{}, fault.Failedf("vCenter %s: reading folder %s: %w", vc.server, folder.Value, err)
	}
	for _, e := range entities {
		if e.Name == name {
			return e.Self, nil
		}
	}
	return types.ManagedObjectReference{}, nil
}

// one reads properties of one object.
func (vc *vcenter) one(ctx context.Context, ref types.ManagedObjectReference, into any, properties ...string) error {
	return vc.steady(ctx, func() error {
		return property.DefaultCollector(vc.Client).RetrieveOne(ctx, ref, properties, into)
	})
}

// read reads properties of several objects.
func (vc *vcenter) read(ctx context.Context, refs []types.ManagedObjectReference, into any, properties ...string) error {
	return vc.steady(ctx, func() error {
		return property.DefaultCollector(vc.Client).Retrieve(ctx, refs, properties, into)
	})
}

// machines reads machines.
func (vc *vcenter) machines(ctx context.Context, refs []types.ManagedObjectReference) ([]machine, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var read []mo.VirtualMachine
	if err := vc.read(ctx, refs, &read, machineProperties...); err != nil {
		return nil, fault.Failedf("vCenter %s: reading machines: %w", vc.server, err)
	}
	var all []machine
	for _, vm := range read {
		m := machine{ref: vm.Self, name: vm.Name, extra: map[string]string{}, on: vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn}
		if vm.Config != nil {
			m.template, m.uuid = vm.Config.Template, vm.Config.Uuid
			m.cpu, m.memory = vm.Config.Hardware.NumCPU, int64(vm.Config.Hardware.MemoryMB)<<20
			m.devices = vm.Config.Hardware.Device
			for _, option := range vm.Config.ExtraConfig {
				o := option.GetOptionValue()
				if text, ok := o.Value.(string); ok && strings.HasPrefix(o.Key, "pave.") {
					m.extra[o.Key] = text
				}
			}
		}
		if vm.Guest != nil {
			m.nics = vm.Guest.Net
		}
		all = append(all, m)
	}
	return all, nil
}
