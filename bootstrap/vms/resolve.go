package vms

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/yamlfile"
)

// place is where a cluster stands, every name resolved.
type place struct {
	datacenter, compute, datastore, network, pool types.ManagedObjectReference
	vmFolder                                      types.ManagedObjectReference // of the datacenter
	parent                                        types.ManagedObjectReference // of the cluster's folder
	datastoreName                                 string
}

// entity is an object of vSphere's inventory.
type entity struct {
	ref    types.ManagedObjectReference
	name   string
	parent types.ManagedObjectReference
}

// inventory is everything that cluster.yaml can name but for machines.
type inventory map[types.ManagedObjectReference]entity

// kinds are the types that are looked through.
var kinds = []string{"Datacenter", "Folder", "ComputeResource", "Datastore", "Network", "ResourcePool"}

func (vc *vcenter) inventory(ctx context.Context) (inventory, error) {
	content, err := vc.retrieve(ctx, vc.ServiceContent.RootFolder, kinds, "name", "parent")
	if err != nil {
		return nil, err
	}
	all := inventory{}
	for _, o := range content {
		all[o.Obj] = entityOf(o)
	}
	return all, nil
}

// retrieve gives properties of all objects of some types below a container.
func (vc *vcenter) retrieve(ctx context.Context, container types.ManagedObjectReference, kinds []string, properties ...string) ([]types.ObjectContent, error) {
	var content []types.ObjectContent
	err := vc.steady(ctx, func() error {
		v, err := view.NewManager(vc.Client).CreateContainerView(ctx, container, kinds, true)
		if err != nil {
			return err
		}
		defer func() { _ = v.Destroy(context.WithoutCancel(ctx)) }()
		return v.Retrieve(ctx, kinds, properties, &content)
	})
	return content, err
}

// path gives the names from the datacenter down, joined with /, without the
// folders that vSphere does not show.
func (all inventory) path(e entity) string {
	names := []string{e.name}
	for {
		parent, ok := all[e.parent]
		if !ok {
			return strings.Join(names, "/")
		}
		if grand, below := all[parent.parent]; !below || grand.ref.Type != "Datacenter" {
			names = slices.Insert(names, 0, parent.name)
		}
		e = parent
	}
}

// within tells whether e is container, or below it.
func (all inventory) within(e entity, container types.ManagedObjectReference) bool {
	for e.ref != container {
		parent, ok := all[e.parent]
		if !ok {
			return false
		}
		e = parent
	}
	return true
}

// query is a name of cluster.yaml.
type query struct {
	field  string // as in spec.vsphere.datastore
	what   string // for a person
	name   config.InventoryName
	kinds  []string
	within types.ManagedObjectReference // zero: anywhere
}

// find gives the one object that a query means, or what is wrong.
func (all inventory) find(q query) (entity, string) {
	var found []entity
	var names []string
	for _, e := range all {
		if !slices.Contains(q.kinds, e.ref.Type) || q.within.Value != "" && !all.within(e, q.within) {
			continue
		}
		names = append(names, e.name)
		path := "/" + all.path(e)
		if wanted := strings.Trim(string(q.name), "/"); e.name == string(q.name) || strings.HasSuffix(path, "/"+wanted) {
			found = append(found, e)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch len(found) {
	case 1:
		return found[0], ""
	case 0:
		return entity{}, fmt.Sprintf("%s: there is no %s %q%s%s", q.field, q.what, q.name, yamlfile.DidYouMean(string(q.name), names), list(names))
	}
	var paths []string
	for _, e := range found {
		paths = append(paths, all.path(e))
	}
	slices.Sort(paths)
	return entity{}, fmt.Sprintf("%s: %q can be several: give the path, one of %s", q.field, q.name, strings.Join(paths, ", "))
}

// maxListed keeps an error readable in a large vCenter.
const maxListed = 10

func list(names []string) string {
	switch {
	case len(names) == 0:
		return " (there is none, or this user may not see it)"
	case len(names) > maxListed:
		return fmt.Sprintf(" (there are %s and %d more)", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
	}
	return fmt.Sprintf(" (there are: %s)", strings.Join(names, ", "))
}

// resolve finds everything that cluster.yaml names, and reports all that is
// missing at once.
func resolve(ctx context.Context, vc *vcenter, c *config.Cluster) (*place, error) {
	all, err := vc.inventory(ctx)
	if err != nil {
		return nil, interrupted(ctx, fault.Failedf("vCenter %s: reading the inventory: %w", vc.server, err))
	}
	s := c.Spec.VSphere
	p := &place{}
	var wrong []string
	must := func(q query) entity {
		e, problem := all.find(q)
		if problem != "" {
			wrong = append(wrong, problem)
		}
		return e
	}
	p.datacenter = must(query{field: "spec.vsphere.datacenter", what: "datacenter", name: s.Datacenter, kinds: []string{"Datacenter"}}).ref
	in := p.datacenter // the rest is looked for everywhere if it is not known
	p.compute = must(query{"spec.vsphere.cluster", "cluster or host", s.Cluster, []string{"ClusterComputeResource", "ComputeResource"}, in}).ref
	store := must(query{"spec.vsphere.datastore", "datastore", s.Datastore, []string{"Datastore"}, in})
	p.datastore, p.datastoreName = store.ref, store.name
	p.network = must(query{"spec.vsphere.network", "network", s.Network, []string{"Network", "DistributedVirtualPortgroup", "OpaqueNetwork"}, in}).ref
	if s.ResourcePool != "" {
		p.pool = must(query{"spec.vsphere.resourcePool", "resource pool", s.ResourcePool, []string{"ResourcePool"}, p.compute}).ref
	}
	if s.Folder != "" {
		p.parent = must(query{"spec.vsphere.folder", "folder", s.Folder, []string{"Folder"}, in}).ref
	}
	if len(wrong) > 0 {
		return nil, fault.Inputf("vCenter %s does not have what cluster.yaml names:\n  %s", vc.server, strings.Join(wrong, "\n  ")).Fix("correct cluster.yaml")
	}
	if err := vc.complete(ctx, p, s); err != nil {
		return nil, interrupted(ctx, err)
	}
	return p, nil
}

// complete fills in what follows from what was named, and checks that the parts
// belong together.
func (vc *vcenter) complete(ctx context.Context, p *place, s config.VSphere) error {
	var dc mo.Datacenter
	if err := vc.one(ctx, p.datacenter, &dc, "vmFolder"); err != nil {
		return fault.Failedf("datacenter %s: %w", s.Datacenter, err)
	}
	var compute mo.ComputeResource
	if err := vc.one(ctx, p.compute, &compute, "datastore", "network", "resourcePool"); err != nil {
		return fault.Failedf("cluster %s: %w", s.Cluster, err)
	}
	p.vmFolder = dc.VmFolder
	if p.parent.Value == "" {
		p.parent = dc.VmFolder
	}
	if p.pool.Value == "" && compute.ResourcePool != nil {
		p.pool = *compute.ResourcePool
	}
	var wrong []string
	if !slices.Contains(compute.Datastore, p.datastore) {
		wrong = append(wrong, fmt.Sprintf("spec.vsphere.datastore: no host of cluster %s has %s", s.Cluster, s.Datastore))
	}
	if !slices.Contains(compute.Network, p.network) {
		wrong = append(wrong, fmt.Sprintf("spec.vsphere.network: no host of cluster %s is in %s", s.Cluster, s.Network))
	}
	if len(wrong) > 0 {
		return fault.Inputf("the parts of cluster.yaml do not fit together:\n  %s", strings.Join(wrong, "\n  ")).Fix("name what the cluster's hosts have")
	}
	return nil
}
