package vcentertest

import (
	"context"
	"net/url"
	"testing"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
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
