package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/dev/registry"
	"github.com/pave-platform/pave/internal/dev/serve"
	"github.com/pave-platform/pave/internal/secret"
)

// registryServer is what `pave dev registry` says when it is ready.
type registryServer struct {
	URL string `json:"url"`
}

// Summary says where the server is, in one line.
func (s registryServer) Summary(w io.Writer) { fmt.Fprintln(w, "listening on", s.URL) }

func devRegistryCommand(a *cli.App) *cobra.Command {
	var (
		o        registry.Options
		listen   serve.Options
		password secret.Source
	)
	cmd := &cobra.Command{
		Use:   "registry",
		Short: "Serve an OCI registry with the referrers API from a folder",
		Long: `Serve an OCI registry with the referrers API from a folder.

What is pushed stays in the folder. Plain http is for loopback: elsewhere the
registry needs a certificate, as pave dev ca makes one. Ends on SIGTERM or
Ctrl-C.`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := cli.Required(cmd, "dir"); err != nil {
				return err
			}
			if listen.Password, err = password.Read(); err != nil {
				return err
			}
			handler, err := registry.New(o)
			if err != nil {
				return err
			}
			var said error
			err = serve.Run(cmd.Context(), listen, handler, func(url string) { said = a.Emit(registryServer{url}) })
			if err != nil {
				return err
			}
			return said
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen.Addr, "addr", "127.0.0.1:0", "address to listen on; port 0 takes a free one; plain http is for loopback")
	f.StringVar(&o.Dir, "dir", "", "folder of the registry")
	f.BoolVar(&o.NoReferrers, "no-referrers", false, "have no referrers API, as older registries, so that clients keep referrers in tags")
	f.StringVar(&listen.TLSCert, "tls-cert", "", "PEM file with the server's certificate")
	f.StringVar(&listen.TLSKey, "tls-key", "", "PEM file with the certificate's key")
	f.StringVar(&listen.Username, "username", "", "user name to ask for (default: everybody may come in)")
	cli.SecretFlags(f, &password, "password", "the password to ask for")
	return cmd
}

func devCACommand(a *cli.App) *cobra.Command {
	var o ca.Options
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "Make a certificate authority and a server certificate; what is good is kept",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "output", "host"); err != nil {
				return err
			}
			return a.Finish(ca.Run(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "output", "", "folder for ca.crt, ca.key, tls.crt and tls.key")
	f.StringSliceVar(&o.Hosts, "host", nil, "DNS name or IP address of the server; can be repeated")
	return cmd
}
