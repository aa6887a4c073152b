package vms

import (
	"context"
	"fmt"
	"slices"

	vimfault "github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/internal/fault"
)

// ensureImage makes the cluster's folder and image, where a machine needs them.
// The image is a template of the cluster's own: the first thing that carries the
// cluster's secrets, and the last one that is removed.
func (r *run) ensureImage(ctx context.Context) error {
	if !slices.ContainsFunc(r.result.Changes, func(c Change) bool { return c.Kind == KindImage }) {
		return r.ensureFolder(ctx)
	}
	ova, err := r.openOVA(ctx)
	if err != nil {
		return err
	}
	if ova != nil {
		defer ova.close()
	}
	if err := r.ensureFolder(ctx); err != nil {
		return err
	}
	name := r.imageName()
	if half, ok := r.there.images[name]; ok {
		r.Log.Warn("removing a half-made image", "image", name)
		if err := r.remove(ctx, half); err != nil {
			return err
		}
	}
	r.Log.Info("making the cluster's image", "image", name, "from", r.imageSource())
	switch o := r.Cluster.Spec.OVA; {
	case ova != nil:
		err = r.importOVA(ctx, ova)
	case o.Library != nil:
		err = r.deployItem(ctx)
	default:
		err = r.cloneTemplate(ctx)
	}
	if err != nil {
		return r.explain(ctx, "making the image "+name, err)
	}
	return r.readImage(ctx)
}

func (r *run) ensureFolder(ctx context.Context) error {
	if r.there.folder.Value != "" {
		return nil
	}
	name := string(r.Cluster.Metadata.Name)
	folder, err := object.NewFolder(r.vc.Client, r.place.parent).CreateFolder(ctx, name)
	if vimfault.Is(err, &types.DuplicateName{}) {
		r.there.folder, err = r.vc.child(ctx, r.place.parent, "Folder", name)
		return r.explain(ctx, "folder "+name, err)
	}
	if err != nil {
		return r.explain(ctx, "making folder "+name, err)
	}
	r.there.folder = folder.Reference()
	return nil
}

// marks are what the image carries.
func (r *run) marks(more ...types.BaseOptionValue) []types.BaseOptionValue {
	return append([]types.BaseOptionValue{
		option(keyCluster, string(r.Cluster.Metadata.Name)),
		option(keyID, r.there.id),
		option(keyPrint, r.known.fingerprint),
		option(keySealed, r.known.sealed),
	}, more...)
}

func option(key, value string) *types.OptionValue { return &types.OptionValue{Key: key, Value: value} }

// cloneTemplate makes the image a copy of the template that cluster.yaml names.
func (r *run) cloneTemplate(ctx context.Context) error {
	source := object.NewVirtualMachine(r.vc.Client, r.there.source.ref)
	task, err := source.Clone(ctx, object.NewFolder(r.vc.Client, r.there.folder), r.imageName(), types.VirtualMachineCloneSpec{
		Location: types.VirtualMachineRelocateSpec{Datastore: &r.place.datastore, Pool: &r.place.pool},
		Template: true,
		Config:   &types.VirtualMachineConfigSpec{ExtraConfig: r.marks(option(keyImage, r.imageSource()))},
	})
	if err != nil {
		return err
	}
	_, err = r.vc.wait(ctx, task)
	return err
}

// readImage reads the image back: its disks and network cards, which the machines
// get changed.
func (r *run) readImage(ctx context.Context) error {
	name := r.imageName()
	ref, err := r.vc.child(ctx, r.there.folder, "VirtualMachine", name)
	if err == nil && ref.Value == "" {
		err = fault.Failedf("it is not there after it was made")
	}
	if err != nil {
		return r.explain(ctx, "image "+name, err)
	}
	read, err := r.vc.machines(ctx, []types.ManagedObjectReference{ref})
	if err != nil {
		return interrupted(ctx, err)
	}
	image := read[0]
	if image.extra[keyID] != r.there.id || image.extra[keyPrint] != r.known.fingerprint {
		return fault.Failedf("the image %s is of another run that works on the cluster at the same time", name).Fix("wait until that has ended, and run it again")
	}
	r.there.images[name] = image
	return nil
}

// remove takes away a machine or an image of the cluster.
func (r *run) remove(ctx context.Context, m machine) error {
	if m.extra[keyID] == "" || m.extra[keyID] != r.there.id {
		return fault.Failedf("%s does not carry the id of cluster %s", m.name, r.Cluster.Metadata.Name)
	}
	vm := object.NewVirtualMachine(r.vc.Client, m.ref)
	if m.on {
		task, err := vm.PowerOff(ctx)
		if err == nil {
			_, err = r.vc.wait(ctx, task)
		}
		if err != nil && !vimfault.Is(err, &types.InvalidPowerState{}) {
			return r.explain(ctx, fmt.Sprintf("powering %s off", m.name), err)
		}
	}
	task, err := vm.Destroy(ctx)
	if err == nil {
		_, err = r.vc.wait(ctx, task)
	}
	if err != nil && !vimfault.Is(err, &types.ManagedObjectNotFound{}) {
		return r.explain(ctx, "removing "+m.name, err)
	}
	return nil
}
