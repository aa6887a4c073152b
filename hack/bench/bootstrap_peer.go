package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/ovf/importer"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/internal/dev/vcenter"
)

// importEach makes machines as one would without a template: the OVA is imported
// for each of them.
func (s *site) importEach(ctx context.Context, n int) error {
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Logout(context.WithoutCancel(ctx)) }()
	f := find.NewFinder(c.Client)
	dc, err := f.Datacenter(ctx, vcenter.Datacenter)
	if err != nil {
		return err
	}
	f.SetDatacenter(dc)
	folders, err := dc.Folders(ctx)
	if err != nil {
		return err
	}
	pool, err := f.ResourcePool(ctx, vcenter.Cluster+"/Resources")
	if err != nil {
		return err
	}
	store, err := f.Datastore(ctx, vcenter.Datastore)
	if err != nil {
		return err
	}
	for i := range n {
		name := fmt.Sprintf("import-%d", i)
		i := importer.Importer{
			Name: name, Client: c.Client, Finder: f, Datacenter: dc, Datastore: store, ResourcePool: pool, Folder: folders.VmFolder,
			Archive: &importer.TapeArchive{Path: filepath.Join(s.dir, "talos.ova"), Opener: importer.Opener{Client: c.Client}},
			Log:     func(string) (int, error) { return 0, nil },
		}
		ref, err := i.Import(ctx, "*.ovf", importer.Options{Name: &name, NetworkMapping: []importer.Network{{Name: "VM Network", Network: vcenter.Network}}})
		if err != nil {
			return err
		}
		if err := configureAndStart(ctx, object.NewVirtualMachine(c.Client, *ref)); err != nil {
			return err
		}
	}
	return nil
}

func configureAndStart(ctx context.Context, vm *object.VirtualMachine) error {
	task, err := vm.Reconfigure(ctx, types.VirtualMachineConfigSpec{NumCPUs: 4, MemoryMB: 8 << 10})
	if err == nil {
		err = task.Wait(ctx)
	}
	if err != nil {
		return err
	}
	if task, err = vm.PowerOn(ctx); err != nil {
		return err
	}
	return task.Wait(ctx)
}

func (s *site) client(ctx context.Context) (*govmomi.Client, error) {
	pem, err := os.ReadFile(s.ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	sc := soap.NewClient(&url.URL{Scheme: "https", Host: s.Host, Path: vim25.Path}, false)
	sc.DefaultTransport().TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	vim, err := vim25.NewClient(ctx, sc)
	if err != nil {
		return nil, err
	}
	c := &govmomi.Client{Client: vim, SessionManager: session.NewManager(vim)}
	return c, c.Login(ctx, s.user)
}
