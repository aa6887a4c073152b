package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/steps/sign"
)

func signCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign",
		Short: "Sign images, attest facts about them, verify both",
		Long: `Sign images, attest facts about them, verify both.

Signatures and attestations are Sigstore bundles that refer to the image, or
cosign's .sig and .att tags with --legacy. Nothing leaves for a public
transparency log. Signing again changes nothing.`,
	}
	cmd.AddCommand(
		signKeygenCommand(a),
		signImageCommand(a),
		signAttestCommand(a),
		signProvenanceCommand(a),
		signPublicKeyCommand(a),
		signVerifyCommand(a),
	)
	return cmd
}

func signKeygenCommand(a *cli.App) *cobra.Command {
	var o sign.KeygenOptions
	cmd := &cobra.Command{
		Use:   "keygen --output-dir DIR",
		Short: "Make a key pair: cosign.key (encrypted) and cosign.pub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "output-dir"); err != nil {
				return err
			}
			return a.Finish(sign.Keygen(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.OutputDir, "output-dir", "", "folder for the two files; existing ones are never overwritten")
	cli.SecretFlags(f, &o.Password, "password", "the password of the private key (default: the empty password)")
	return cmd
}

func signImageCommand(a *cli.App) *cobra.Command {
	var t targetFlags
	cmd := &cobra.Command{
		Use:   "image --ref REGISTRY/PROJECT/APP@sha256:… --key-file cosign.key",
		Short: "Sign an image in its registry",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "ref"); err != nil {
				return err
			}
			return a.Finish(sign.Image(cmd.Context(), t.target()))
		},
	}
	t.add(cmd.Flags())
	return cmd
}

func signAttestCommand(a *cli.App) *cobra.Command {
	var t targetFlags
	var written []string
	cmd := &cobra.Command{
		Use:   "attest --ref REGISTRY/PROJECT/APP@sha256:… --key-file cosign.key --predicate spdx=sbom.spdx.json",
		Short: "Attest facts about an image in its registry",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "ref", "predicate"); err != nil {
				return err
			}
			predicates := make([]sign.Predicate, len(written))
			for i, w := range written {
				p, err := sign.ParsePredicate(w)
				if err != nil {
					return err
				}
				predicates[i] = p
			}
			return a.Finish(sign.Attest(cmd.Context(), t.target(), predicates))
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&written, "predicate", nil, "TYPE=FILE, repeatable; TYPE is spdx, cyclonedx, vuln (a record or Trivy's report), slsaprovenance1 or a URI; FILE holds a JSON object")
	t.add(f)
	return cmd
}

func signProvenanceCommand(a *cli.App) *cobra.Command {
	var o sign.ProvenanceOptions
	var parameters []string
	var started, finished string
	cmd := &cobra.Command{
		Use:   "provenance --repository URL --commit SHA --output provenance.json",
		Short: "Write a SLSA v1 provenance predicate: what was built from which commit",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := cli.Required(cmd, "repository", "commit", "output"); err != nil {
				return err
			}
			if o.Parameters, err = parameterMap(parameters); err != nil {
				return err
			}
			if o.StartedOn, err = timestamp("--started-on", started); err != nil {
				return err
			}
			if o.FinishedOn, err = timestamp("--finished-on", finished); err != nil {
				return err
			}
			return a.Finish(sign.Provenance(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Repository, "repository", "", "URL of the Git repository, without credentials")
	f.StringVar(&o.Commit, "commit", "", "full Git commit hash")
	f.StringVar(&o.Output, "output", "", "file to write")
	f.StringArrayVar(&parameters, "parameter", nil, "NAME=VALUE that the caller of the build chose, repeatable; published with the image, so never a secret")
	f.StringArrayVar(&o.Dependencies, "dependency", nil, "URI=ALGORITHM:HEX of something else that went into the build, repeatable")
	f.StringVar(&o.BuilderID, "builder-id", "", "URI of what ran the build")
	f.StringVar(&o.InvocationID, "invocation-id", "", "what identifies this run, for example its URL")
	f.StringVar(&started, "started-on", "", "when the build started, RFC 3339 (default: not said, so that the same build says the same)")
	f.StringVar(&finished, "finished-on", "", "when the build ended, RFC 3339")
	return cmd
}

func signVerifyCommand(a *cli.App) *cobra.Command {
	var o sign.VerifyOptions
	cmd := &cobra.Command{
		Use:   "verify --ref REGISTRY/PROJECT/APP@sha256:… --public-key cosign.pub [--require spdx,slsaprovenance1]",
		Short: "Verify the signature and the attestations of an image; exit 3 if they do not hold",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "ref"); err != nil {
				return err
			}
			return a.Finish(sign.Verify(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Ref, "ref", "", "the image, pinned by digest")
	publicKeyFlags(f, &o.Key)
	f.StringSliceVar(&o.Require, "require", nil, "predicate types that must be attested, besides the signature: spdx, cyclonedx, vuln, slsaprovenance1 or URIs")
	f.StringVar(&o.ProvenanceCommit, "provenance-commit", "", "Git commit that the provenance must name")
	f.StringVar(&o.Output, "output", "", "folder for the verified predicates, as spdx.json and so on")
	cli.RegistryFlags(f, &o.Registry)
	return cmd
}

// publicKeyFlags adds the flags for the key that verifies.
func publicKeyFlags(f *pflag.FlagSet, k *sign.PublicKey) {
	f.StringVar(&k.PEM.File, "public-key", "", "PEM file with the public key")
	f.StringVar(&k.PEM.Env, "public-key-env", "", "NAME of the environment variable that holds the public key")
	(*cli.KMS)(&k.KMS).Add(f)
}

// targetFlags are what the commands that sign have in common.
type targetFlags struct {
	ref      string
	registry registry.Options
	signing  cli.Signing
}

func (t *targetFlags) add(f *pflag.FlagSet) {
	f.StringVar(&t.ref, "ref", "", "the image, pinned by digest")
	t.signing.Add(f)
	cli.RegistryFlags(f, &t.registry)
}

func (t *targetFlags) target() sign.Target { return signTarget(t.ref, t.registry, t.signing) }

func signTarget(ref string, reg registry.Options, s cli.Signing) sign.Target {
	t := sign.Target{
		Ref: ref, Registry: reg, RekorURL: s.RekorURL, Format: sign.Bundle,
		Key: sign.Key{PEM: s.PEM, Password: s.Password, KMS: sign.KMS(s.KMS)},
	}
	if s.Legacy {
		t.Format = sign.Legacy
	}
	return t
}

func parameterMap(written []string) (map[string]string, error) {
	m := map[string]string{}
	for _, w := range written {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			return nil, fault.Inputf("--parameter %q is not NAME=VALUE", w)
		}
		if _, twice := m[name]; twice {
			return nil, fault.Inputf("--parameter %s is given twice", name)
		}
		m[name] = value
	}
	return m, nil
}

func timestamp(flag, written string) (time.Time, error) {
	if written == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, written)
	if err != nil {
		return time.Time{}, fault.Inputf("%s %q is not an RFC 3339 time", flag, written).Fix("write it as 2026-01-31T12:00:00Z")
	}
	return t, nil
}
