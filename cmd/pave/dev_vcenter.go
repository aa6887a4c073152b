package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/secret"
)

// vcenterServer is what `pave dev vcenter` says when it is ready.
type vcenterServer struct {
	Host         string `json:"host"`
	CA           string `json:"ca"`
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
	fmt.Fprintf(w, "listening on %s, signed by %s\ninventory: %s, %s, %s, %s\nOVA %s, SHA-256 %s\n",
		s.Host, s.CA, s.Datacenter, s.Cluster, s.Datastore, s.Network, s.OVA, s.SHA256)
}

func devVCenterCommand(a *cli.App) *cobra.Command {
	var o vcenter.Options
	var dir string
	var password secret.Source
	var ovaSize int64
	cmd := &cobra.Command{
		Use:   "vcenter --dir DIR --username USER --password-env NAME",
		Short: "Serve govmomi's simulator of vCenter, whose machines report the addresses in their Talos configs",
		Long: `Serve govmomi's simulator of vCenter, whose machines report the addresses in
their Talos configs.

The folder gets a CA, a certificate and an OVA that no machine boots from. The
inventory is lost when the server ends, on SIGTERM or Ctrl-C.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "dir", "username"); err != nil {
				return err
			}
			given, err := password.Read()
			if err != nil {
				return err
			}
			o.Password = string(given)
			made, err := ca.Run(cmd.Context(), ca.Options{Dir: dir, Hosts: []string{"127.0.0.1", "localhost"}})
			if err != nil {
				return err
			}
			if o.Certificate, err = tls.LoadX509KeyPair(made.Cert, made.Key); err != nil {
				return err
			}
			s := vcenterServer{
				CA: made.CA, OVA: filepath.Join(dir, "talos.ova"), Datacenter: vcenter.Datacenter, Cluster: vcenter.Cluster,
				Datastore: vcenter.Datastore, Network: vcenter.Network, ResourcePool: vcenter.ResourcePool,
			}
			if s.SHA256, err = vcenter.WriteOVA(s.OVA, ovaSize); err != nil {
				return err
			}
			return vcenter.Run(cmd.Context(), o, func(server *vcenter.Server) error {
				s.Host = server.Host
				return a.Emit(s)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Addr, "addr", "127.0.0.1:0", "address to listen on, on loopback; port 0 takes a free one")
	f.StringVar(&dir, "dir", "", "folder for ca.crt and talos.ova")
	f.StringVar(&o.Username, "username", "", "user name to ask for")
	cli.SecretFlags(f, &password, "password", "the password to ask for")
	f.DurationVar(&o.TaskDelay, "task-delay", 0, "how long each task takes")
	f.Int64Var(&ovaSize, "ova-size", 1<<20, "size of the OVA's disk in bytes")
	return cmd
}
