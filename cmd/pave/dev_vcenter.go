package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/dev/talos"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// vcenterServer is what `pave dev vcenter` says when it is ready.
type vcenterServer struct {
	Host         string `json:"host"`
	CA           string `json:"ca,omitempty"` // empty: the certificate was given
	OVA          string `json:"ova"`
	SHA256       string `json:"sha256"`
	Datacenter   string `json:"datacenter"`
	Cluster      string `json:"cluster"`
	Datastore    string `json:"datastore"`
	Network      string `json:"network"`
	ResourcePool string `json:"resourcePool"`
}

// Summary says what a cluster.yaml for it needs.
func (s vcenterServer) Summary(w io.Writer) {
	fmt.Fprintf(w, "listening on %s", s.Host)
	if s.CA != "" {
		fmt.Fprintf(w, ", signed by %s", s.CA)
	}
	fmt.Fprintf(w, "\ninventory: %s, %s, %s, %s\nOVA %s, SHA-256 %s\n", s.Datacenter, s.Cluster, s.Datastore, s.Network, s.OVA, s.SHA256)
}

func devVCenterCommand(a *cli.App) *cobra.Command {
	var o vcenter.Options
	var dir, cert, key string
	var nodes bool
	var password secret.Source
	var ovaSize int64
	cmd := &cobra.Command{
		Use:   "vcenter --dir DIR --username USER --password-env NAME",
		Short: "Serve govmomi's simulator of vCenter, whose machines report the addresses in their Talos configs",
		Long: `Serve govmomi's simulator of vCenter, whose machines report the addresses in
their Talos configs.

The folder gets a CA and a certificate, unless they are given, and an OVA that no
machine boots from. The inventory is lost when the server ends, on SIGTERM or Ctrl-C.

With --talos the machines run the double of Talos that pave dev talos serves, each
at its address, which must be one of this machine. DHCP then gives this machine's
own addresses: with one address, a cluster of one control plane.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "dir", "username"); err != nil {
				return err
			}
			given, err := password.Read()
			if err != nil {
				return err
			}
			o.Password = string(given)
			s := vcenterServer{
				OVA: filepath.Join(dir, "talos.ova"), Datacenter: vcenter.Datacenter, Cluster: vcenter.Cluster,
				Datastore: vcenter.Datastore, Network: vcenter.Network, ResourcePool: vcenter.ResourcePool,
			}
			if o.Certificate, s.CA, err = vcenterCertificate(cmd.Context(), dir, cert, key); err != nil {
				return err
			}
			if s.SHA256, err = vcenter.WriteOVA(s.OVA, ovaSize); err != nil {
				return err
			}
			if nodes {
				world := talos.New(cmd.Context(), talos.Options{Step: 50 * time.Millisecond, Log: a.Log})
				defer world.Close()
				o.Hypervisor = hypervisor{world, a.Log}
				if o.DHCP, err = ownAddresses(); err != nil {
					return err
				}
			}
			return vcenter.Run(cmd.Context(), o, func(server *vcenter.Server) error {
				s.Host = server.Host
				return a.Emit(s)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Addr, "addr", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	f.StringVar(&o.Name, "name", "", "host name that clients know it by (default: the address)")
	f.StringVar(&dir, "dir", "", "folder for ca.crt and talos.ova")
	f.StringVar(&cert, "tls-cert", "", "PEM file with the server's certificate")
	f.StringVar(&key, "tls-key", "", "PEM file with the certificate's key")
	f.BoolVar(&nodes, "talos", false, "run the double of Talos in the machines")
	f.StringVar(&o.Username, "username", "", "user name to ask for")
	cli.SecretFlags(f, &password, "password", "the password to ask for")
	f.DurationVar(&o.TaskDelay, "task-delay", 0, "how long each task takes")
	f.Int64Var(&ovaSize, "ova-size", 1<<20, "size of the OVA's disk in bytes")
	return cmd
}

// vcenterCertificate reads the certificate that is given, or makes one with a CA in
// the folder.
func vcenterCertificate(ctx context.Context, dir, cert, key string) (pair tls.Certificate, authority string, err error) {
	if (cert == "") != (key == "") {
		return pair, "", fault.Inputf("--tls-cert and --tls-key come together").Fix("give both or neither")
	}
	if cert == "" {
		made, err := ca.Run(ctx, ca.Options{Dir: dir, Hosts: []string{"127.0.0.1", "localhost"}})
		if err != nil {
			return pair, "", err
		}
		cert, key, authority = made.Cert, made.Key, made.CA
	}
	if pair, err = tls.LoadX509KeyPair(cert, key); err != nil {
		return pair, "", fault.Inputf("the server's certificate: %w", err).Fix("give PEM files that go together, as pave dev ca makes them")
	}
	return pair, authority, nil
}

// hypervisor runs the double of Talos in vCenter's machines.
type hypervisor struct {
	world *talos.World
	log   *slog.Logger
}

// PowerOn implements vcenter.Hypervisor.
func (h hypervisor) PowerOn(m vcenter.Machine) {
	if n := h.world.Node(m.Name); n != nil {
		n.PowerOn()
		return
	}
	if _, err := h.world.Add(talos.NodeOptions{Name: m.Name, Address: m.Address, Config: m.Config}); err != nil {
		h.log.Error("the machine does not boot", "error", err)
	}
}

// PowerOff implements vcenter.Hypervisor.
func (h hypervisor) PowerOff(name string) {
	if n := h.world.Node(name); n != nil {
		n.PowerOff()
	}
}

// Remove implements vcenter.Hypervisor.
func (h hypervisor) Remove(name string) { h.world.Remove(name) }

// ownAddresses are this machine's IPv4 addresses that others reach.
func ownAddresses() ([]string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fault.Failedf("addresses of this machine: %w", err)
	}
	var own []string
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			own = append(own, n.IP.String())
		}
	}
	if len(own) == 0 {
		return nil, fault.Inputf("--talos: this machine has no address that others reach").Fix("give its network one")
	}
	return own, nil
}
