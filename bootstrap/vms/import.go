package vms

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/vmware/govmomi/nfc"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/ovf"
	"github.com/vmware/govmomi/vapi/library"
	ovfapi "github.com/vmware/govmomi/vapi/vcenter"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/pave-platform/pave/internal/fault"
)

// importOVA makes the image from a file. What marks it as the cluster's is part of
// its creation; that it is a template tells that it is complete.
func (r *run) importOVA(ctx context.Context, a *ova) error {
	spec, err := r.importSpec(ctx, a)
	if err != nil {
		return err
	}
	pool := object.NewResourcePool(r.vc.Client, r.place.pool)
	lease, err := pool.ImportVApp(ctx, spec.ImportSpec, object.NewFolder(r.vc.Client, r.there.folder), nil)
	if err != nil {
		return err
	}
	info, err := lease.Wait(ctx, spec.FileItem)
	if err != nil {
		return err
	}
	if err := r.upload(ctx, a, lease, info); err != nil {
		r.abort(ctx, lease)
		return err
	}
	return object.NewVirtualMachine(r.vc.Client, info.Entity).MarkAsTemplate(ctx)
}

func (r *run) importSpec(ctx context.Context, a *ova) (*types.OvfCreateImportSpecResult, error) {
	envelope, err := ovf.Unmarshal(bytes.NewReader(a.descriptor))
	if err != nil {
		return nil, fault.Inputf("the OVA's descriptor: %w", err)
	}
	params := &types.OvfCreateImportSpecParams{EntityName: r.imageName(), DiskProvisioning: string(types.OvfCreateImportSpecParamsDiskProvisioningTypeThin)}
	if envelope.Network != nil {
		for _, n := range envelope.Network.Networks {
			params.NetworkMapping = append(params.NetworkMapping, types.OvfNetworkMapping{Name: n.Name, Network: r.place.network})
		}
	}
	spec, err := ovf.NewManager(r.vc.Client).CreateImportSpec(ctx, string(a.descriptor), r.place.pool, r.place.datastore, params)
	if err != nil {
		return nil, err
	}
	if len(spec.Error) > 0 {
		return nil, fault.Inputf("vCenter does not take the OVA: %s", spec.Error[0].LocalizedMessage)
	}
	machine, ok := spec.ImportSpec.(*types.VirtualMachineImportSpec)
	if !ok {
		return nil, fault.Inputf("the OVA holds %T, not one virtual machine", spec.ImportSpec)
	}
	machine.ConfigSpec.ExtraConfig = append(machine.ConfigSpec.ExtraConfig, r.marks(option(keyImage, r.imageSource()))...)
	return spec, nil
}

// upload sends the disks, each as a stream.
func (r *run) upload(ctx context.Context, a *ova, lease *nfc.Lease, info *nfc.LeaseInfo) error {
	keep := lease.StartUpdater(ctx, info) // the lease ends without it
	defer keep.Done()
	for _, item := range info.Items {
		part, size, err := a.open(ctx, item.Path)
		if err != nil {
			return err
		}
		progress := &progress{say: func(n int64) {
			r.Log.Info("uploading the image", "disk", item.Path, "megabytes", n>>20, "of", size>>20)
		}}
		if err := lease.Upload(ctx, item, io.TeeReader(part, progress), soap.Upload{ContentLength: size}); err != nil {
			return err
		}
	}
	return lease.Complete(ctx)
}

// abort ends a lease, with which vCenter removes what was half-uploaded.
func (r *run) abort(ctx context.Context, lease *nfc.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	_ = lease.Abort(ctx, nil)
}

// deployItem makes the image from an item of a content library.
func (r *run) deployItem(ctx context.Context) error {
	config, err := configXML(types.VirtualMachineConfigSpec{ExtraConfig: r.marks(option(keyImage, r.imageSource()))})
	if err != nil {
		return err
	}
	made, err := ovfapi.NewManager(r.vc.api).DeployLibraryItem(ctx, r.item, ovfapi.Deploy{
		DeploymentSpec: ovfapi.DeploymentSpec{
			Name: r.imageName(), DefaultDatastoreID: r.place.datastore.Value, AcceptAllEULA: true,
			VmConfigSpec: &ovfapi.VmConfigSpec{Provider: "XML", XML: config},
		},
		Target: ovfapi.Target{ResourcePoolID: r.place.pool.Value, FolderID: r.there.folder.Value},
	})
	if err != nil {
		return err
	}
	return object.NewVirtualMachine(r.vc.Client, *made).MarkAsTemplate(ctx)
}

// findItem finds the item of a content library that the image is to be made from,
// where cluster.yaml names one.
func (r *run) findItem(ctx context.Context) error {
	want := r.Cluster.Spec.OVA.Library
	if want == nil {
		return nil
	}
	m := library.NewManager(r.vc.api)
	libraries, err := m.FindLibrary(ctx, library.Find{Name: string(want.Name)})
	if err != nil {
		return r.explain(ctx, fmt.Sprintf("looking for the content library %q", want.Name), err)
	}
	if len(libraries) == 0 {
		return fault.Inputf("spec.ova.library: there is no content library %q, or this user may not see it", want.Name).Fix("correct cluster.yaml, or make the library")
	}
	items, err := m.FindLibraryItems(ctx, library.FindItem{LibraryID: libraries[0], Name: string(want.Item)})
	if err != nil {
		return r.explain(ctx, fmt.Sprintf("looking into the content library %q", want.Name), err)
	}
	if len(items) == 0 {
		return fault.Inputf("spec.ova.library: the content library %q has no item %q", want.Name, want.Item).Fix("correct cluster.yaml, or import Talos's OVA into the library under that name")
	}
	r.item = items[0]
	return nil
}

// configXML gives a spec as the newer API takes it.
func configXML(spec types.VirtualMachineConfigSpec) (string, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	err := e.EncodeElement(spec, xml.StartElement{
		Name: xml.Name{Local: "obj"},
		Attr: []xml.Attr{
			{Name: xml.Name{Local: "xmlns:xsi"}, Value: "http://www.w3.org/2001/XMLSchema-instance"},
			{Name: xml.Name{Local: "xmlns"}, Value: "urn:vim25"},
			{Name: xml.Name{Local: "xsi:type"}, Value: "VirtualMachineConfigSpec"},
		},
	})
	return base64.StdEncoding.EncodeToString(b.Bytes()), errors.Join(err, e.Flush())
}
