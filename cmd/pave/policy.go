package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/golden-path/policies"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/policy"
)

func policyCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy <verb>",
		Short: "What the cluster refuses: render the policies, judge manifests by them",
	}
	cmd.AddCommand(policyRenderCommand(a), policyCheckCommand(a))
	return cmd
}

func policyRenderCommand(a *cli.App) *cobra.Command {
	var o policy.RenderOptions
	cmd := &cobra.Command{
		Use:     "render",
		Short:   "Write the Kyverno policies for a platform, to stdout without --output",
		Example: "  pave policy render --allowed-registry registry.example.internal --public-key cosign.pub --output policies.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "allowed-registry", "public-key"); err != nil {
				return err
			}
			return a.Finish(policy.Render(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	registriesFlag(f, &o.Registries)
	f.StringVar(&o.PublicKeyFile, "public-key", "", "PEM file with the public key that images are signed with")
	f.IntVar(&o.ExceptionDays, "exception-days", policies.DefaultExceptionDays, "how many days away an exception's end may be")
	f.StringSliceVar(&o.Operators, "operator", policies.DefaultOperators(), "user whose workloads are labelled in their own way; can be repeated")
	f.StringSliceVar(&o.PullSecrets, "pull-secret", nil, "Secret in Kyverno's namespace that logs in to the registries; can be repeated")
	f.StringVar(&o.Output, "output", "", "file to write")
	return cmd
}

func policyCheckCommand(a *cli.App) *cobra.Command {
	var o policy.CheckOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Judge manifests by the policies that need neither a cluster nor a registry",
		Example: `  pave policy check --manifests manifests.yaml --policies policies.yaml
  pave policy check --manifests manifests.yaml --allowed-registry registry.example.internal`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "manifests"); err != nil {
				return err
			}
			r, err := policy.Check(cmd.Context(), o)
			if r.Judged == nil {
				return err
			}
			return errors.Join(a.Emit(r), err)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Manifests, "manifests", nil, "file of manifests; can be repeated")
	f.StringSliceVar(&o.Policies, "policies", nil, "file of policies as pave policy render writes it; can be repeated (default: the policies in this binary)")
	registriesFlag(f, &o.Registries)
	f.StringVar(&o.NamespaceLabels, "namespace-labels", policies.Scope, "labels of the namespace that the manifests are for")
	return cmd
}

func registriesFlag(f *pflag.FlagSet, registries *[]string) {
	f.StringSliceVar(registries, "allowed-registry", nil, "where images may come from: a host, or a host and a path; can be repeated")
}
