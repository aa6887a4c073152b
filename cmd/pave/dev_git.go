package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/dev/git"
	"github.com/pave-platform/pave/internal/dev/serve"
	"github.com/pave-platform/pave/internal/secret"
)

// gitServer is what `pave dev git` says when it is ready.
type gitServer struct {
	URL          string   `json:"url"`
	Repositories []string `json:"repositories"` // URLs
}

// Summary says where the server is, in one line.
func (s gitServer) Summary(w io.Writer) { fmt.Fprintln(w, "listening on", s.URL) }

func devGitCommand(a *cli.App) *cobra.Command {
	var (
		o       git.Options
		listen  serve.Options
		token   secret.Source
		create  []string
		protect []string
	)
	cmd := &cobra.Command{
		Use:   "git",
		Short: "Serve bare Git repositories over http, through git http-backend",
		Long: `Serve bare Git repositories over http, through git http-backend.

A repository NAME is at URL/NAME.git and stays in the folder. Needs the git
program. Ends on SIGTERM or Ctrl-C.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "dir"); err != nil {
				return err
			}
			var err error
			if o.Token, err = token.Read(); err != nil {
				return err
			}
			o.Log = a.Log
			server, err := git.New(o)
			if err != nil {
				return err
			}
			if err := createRepositories(cmd.Context(), server, create, protect); err != nil {
				return err
			}
			var said error
			err = serve.Run(cmd.Context(), listen, server, func(url string) {
				ready := gitServer{URL: url, Repositories: []string{}}
				for _, name := range create {
					ready.Repositories = append(ready.Repositories, url+"/"+name+".git")
				}
				said = a.Emit(ready)
			})
			if err != nil {
				return err
			}
			return said
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen.Addr, "addr", "127.0.0.1:0", "address to listen on; port 0 takes a free one; plain http is for loopback")
	f.StringVar(&o.Dir, "dir", "", "folder of the repositories")
	f.StringVar(&listen.TLSCert, "tls-cert", "", "PEM file with the server's certificate")
	f.StringVar(&listen.TLSKey, "tls-key", "", "PEM file with the certificate's key")
	f.StringVar(&o.Username, "username", "", "user name to ask for (default: any, with the token)")
	cli.SecretFlags(f, &token, "token", "the token to ask for")
	f.StringSliceVar(&create, "create", nil, "repositories to create, by name")
	f.StringSliceVar(&protect, "protect", nil, "branches of these repositories that refuse pushes once they exist")
	return cmd
}

func createRepositories(ctx context.Context, server *git.Server, names, protect []string) error {
	for _, name := range names {
		path, err := server.Create(ctx, name)
		if err != nil {
			return err
		}
		for _, branch := range protect {
			if err := server.Protect(ctx, path, branch); err != nil {
				return err
			}
		}
	}
	return nil
}
