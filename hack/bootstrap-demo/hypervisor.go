//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/internal/dev/talos"
	"github.com/pave-platform/pave/internal/outfile"
)

// hypervisor stands between vCenter and the nodes, where a host with ESXi would:
// what vCenter says is powered on, runs, with the machine config that is in its
// guestinfo. It is the only thing that reaches both sides, by a folder.
func hypervisor(ctx context.Context, out io.Writer) error {
	client, err := login(ctx, os.Getenv("DEMO_VCENTER"), os.Getenv("DEMO_CA"), os.Getenv("DEMO_USER"), os.Getenv("DEMO_PASSWORD_FILE"))
	if err != nil {
		return err
	}
	dir := os.Getenv("DEMO_MACHINES")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(map[string]string{"machines": dir}); err != nil {
		return err
	}
	for {
		if err := mirror(ctx, client, dir); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func login(ctx context.Context, host, ca, user, passwordFile string) (*vim25.Client, error) {
	password, err := os.ReadFile(passwordFile)
	if err != nil {
		return nil, err
	}
	u, err := soap.ParseURL("https://" + host)
	if err != nil {
		return nil, err
	}
	u.User = nil
	s := soap.NewClient(u, false)
	if err := s.SetRootCAs(ca); err != nil {
		return nil, err
	}
	vc, err := vim25.NewClient(ctx, s)
	if err != nil {
		return nil, err
	}
	c := govmomi.Client{Client: vc, SessionManager: session.NewManager(vc)}
	return vc, c.Login(ctx, url.UserPassword(user, strings.TrimSpace(string(password))))
}

// mirror makes the folder say what vCenter says.
func mirror(ctx context.Context, client *vim25.Client, dir string) error {
	v, err := view.NewManager(client).CreateContainerView(ctx, client.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	if err != nil {
		return err
	}
	var all []mo.VirtualMachine
	err = v.Retrieve(ctx, []string{"VirtualMachine"}, []string{"name", "config", "guest", "runtime.powerState"}, &all)
	if err := errors.Join(err, v.Destroy(ctx)); err != nil {
		return err
	}
	on := map[string]bool{}
	for _, vm := range all {
		m, ok := machine(vm)
		if !ok {
			continue
		}
		on[vm.Name+".json"] = true
		if err := write(filepath.Join(dir, vm.Name+".json"), m); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !on[e.Name()] {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// machine is what runs, if it is powered on and has its config and address.
func machine(vm mo.VirtualMachine) (talos.Machine, bool) {
	if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || vm.Config == nil || vm.Guest == nil || vm.Guest.IpAddress == "" {
		return talos.Machine{}, false
	}
	for _, o := range vm.Config.ExtraConfig {
		if v := o.GetOptionValue(); v.Key == "guestinfo.talos.config" {
			text, _ := v.Value.(string)
			config, err := base64.StdEncoding.DecodeString(text)
			return talos.Machine{ID: vm.Self.Value + " " + vm.Config.Uuid, Address: vm.Guest.IpAddress, Config: config}, err == nil
		}
	}
	return talos.Machine{}, false
}

func write(path string, m talos.Machine) error {
	content, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(path); err == nil && string(old) == string(content) {
		return nil
	}
	return outfile.WritePrivate(path, content)
}
