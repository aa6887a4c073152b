package main

import (
	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/sign"
)

func signPublicKeyCommand(a *cli.App) *cobra.Command {
	var o sign.PublicKeyOptions
	cmd := &cobra.Command{
		Use:   "public-key --key-file cosign.key --output cosign.pub",
		Short: "Write the public half of a signing key, for those who verify",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "output"); err != nil {
				return err
			}
			return a.Finish(sign.WritePublicKey(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	cli.SecretFlags(f, &o.Key.PEM, "key", "the private key in PEM, as pave sign keygen or cosign made it")
	cli.SecretFlags(f, &o.Key.Password, "key-password", "the password of the private key (default: the empty password)")
	(*cli.KMS)(&o.Key.KMS).Add(f)
	f.StringVar(&o.CAFile, "ca-file", "", "PEM file with the platform's root CA")
	f.StringVar(&o.Output, "output", "", "file for the public key in PEM")
	return cmd
}
