package vcentertest

import (
	"context"
	"net/url"
	"testing"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vapi/tags"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/internal/dev/vcenter"
)

func login(t testing.TB, s *soap.Client) *govmomi.Client {
	t.Helper()
	vim, err := vim25.NewClient(t.Context(), s)
	must(t, err)
	c := &govmomi.Client{Client: vim, SessionManager: session.NewManager(vim)}
	must(t, c.Login(t.Context(), url.UserPassword(Username, Password)))
	t.Cleanup(func() { _ = c.Logout(context.Background()) })
	return c
}

// Machines reads all machines and templates of the vCenter, by name.
func (l *Lab) Machines(t testing.TB) map[string]mo.VirtualMachine {
	t.Helper()
	c := l.Client(t)
	v, err := view.NewManager(c.Client).CreateContainerView(t.Context(), c.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	must(t, err)
	var all []mo.VirtualMachine
	must(t, v.Retrieve(t.Context(), []string{"VirtualMachine"}, nil, &all))
	byName := map[string]mo.VirtualMachine{}
	for _, m := range all {
		if _, twice := byName[m.Name]; twice {
			t.Errorf("two machines are called %s", m.Name)
		}
		byName[m.Name] = m
	}
	return byName
}

// Extra gives a machine's extra configuration.
func Extra(m mo.VirtualMachine) map[string]string {
	all := map[string]string{}
	for _, option := range m.Config.ExtraConfig {
		o := option.GetOptionValue()
		if text, ok := o.Value.(string); ok {
			all[o.Key] = text
		}
	}
	return all
}

// NetworkName gives the name of a network.
func (l *Lab) NetworkName(t testing.TB, ref types.ManagedObjectReference) string {
	t.Helper()
	name, err := object.NewCommon(l.Client(t).Client, ref).ObjectName(t.Context())
	must(t, err)
	return name
}

// CheckTags fails the test unless exactly so many objects carry every one of the
// tags, which are names by category.
func (l *Lab) CheckTags(t testing.TB, want map[string]string, objects int) {
	t.Helper()
	api := rest.NewClient(l.Client(t).Client)
	must(t, api.Login(t.Context(), url.UserPassword(Username, Password)))
	m := tags.NewManager(api)
	for category, name := range want {
		tag, err := m.GetTagForCategory(t.Context(), name, category)
		must(t, err)
		refs, err := m.ListAttachedObjects(t.Context(), tag.ID)
		must(t, err)
		if len(refs) != objects {
			t.Errorf("%d objects carry %s=%s, want %d: %v", len(refs), category, name, objects, refs)
		}
	}
}

// Foreign makes a machine that nobody here made, in a folder of the datacenter
// that is made too, or in none.
func (l *Lab) Foreign(t testing.TB, name, folder string) {
	t.Helper()
	c := l.Client(t)
	f := find.NewFinder(c.Client)
	dc, err := f.Datacenter(t.Context(), vcenter.Datacenter)
	must(t, err)
	f.SetDatacenter(dc)
	folders, err := dc.Folders(t.Context())
	must(t, err)
	parent := folders.VmFolder
	if there, err := f.Folder(t.Context(), folder); folder != "" && err == nil {
		parent = there
	} else if folder != "" {
		parent, err = parent.CreateFolder(t.Context(), folder)
		must(t, err)
	}
	pool, err := f.ResourcePool(t.Context(), vcenter.Cluster+"/Resources")
	must(t, err)
	task, err := parent.CreateVM(t.Context(), types.VirtualMachineConfigSpec{
		Name: name, GuestId: "otherGuest", NumCPUs: 1, MemoryMB: 64, Files: &types.VirtualMachineFileInfo{VmPathName: "[" + vcenter.Datastore + "]"},
	}, pool, nil)
	must(t, err)
	must(t, task.Wait(t.Context()))
}

// Maintenance takes all hosts into maintenance, or back.
func (l *Lab) Maintenance(t testing.TB, in bool) {
	t.Helper()
	hosts, err := find.NewFinder(l.Client(t).Client).HostSystemList(t.Context(), "/"+vcenter.Datacenter+"/host/*")
	must(t, err)
	for _, h := range hosts {
		do := h.ExitMaintenanceMode
		if in {
			do = func(ctx context.Context, timeout int32) (*object.Task, error) {
				return h.EnterMaintenanceMode(ctx, timeout, false, nil)
			}
		}
		task, err := do(t.Context(), 0)
		must(t, err)
		must(t, task.Wait(t.Context()))
	}
}
