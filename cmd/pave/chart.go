package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/chart"
)

func chartCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "chart <verb>",
		Short: "The base chart: values, lint, manifests, package and push",
	}
	cmd.AddCommand(
		chartValuesCommand(a),
		chartLintCommand(a),
		chartTemplateCommand(a),
		chartPackageCommand(a),
		chartPushCommand(a),
	)
	return cmd
}

func chartValuesCommand(a *cli.App) *cobra.Command {
	var o chart.ValuesOptions
	cmd := &cobra.Command{
		Use:   "values",
		Short: "Render platform.yaml to the base chart's values for one environment",
		Example: `  pave chart values --file platform.yaml --environment staging \
    --image registry.example.internal/demo/hello-go@sha256:… --output values.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "environment", "image"); err != nil {
				return err
			}
			return a.Finish(chart.Values(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.File, "file", "platform.yaml", "the contract to render")
	f.StringVar(&o.Environment, "environment", "", "staging or production")
	f.StringVar(&o.Image, "image", "", "the image by digest: registry/project/app@sha256:…")
	f.StringVar(&o.Output, "output", "values.yaml", "file to write")
	return cmd
}

func chartLintCommand(a *cli.App) *cobra.Command {
	var o chart.LintOptions
	cmd := &cobra.Command{
		Use:     "lint",
		Short:   "Check a chart and, with values, that they fit it",
		Example: "  pave chart lint --values values.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := chart.Lint(cmd.Context(), o)
			if r.Chart == "" {
				return err
			}
			return errors.Join(a.Emit(r), err)
		},
	}
	f := cmd.Flags()
	chartFlag(f, &o.Chart)
	releaseFlags(f, &o.Values, &o.Image, &o.Release, &o.Namespace, &o.KubeVersion)
	return cmd
}

func chartTemplateCommand(a *cli.App) *cobra.Command {
	var o chart.TemplateOptions
	cmd := &cobra.Command{
		Use:   "template",
		Short: "Render a chart's manifests, to stdout without --output",
		Example: `  pave chart template --values values.yaml --namespace demo-staging --output manifests.yaml
  pave chart template --values values.yaml --image registry.example.internal/demo/hello-go@sha256:…`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "values"); err != nil {
				return err
			}
			return a.Finish(chart.Template(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	chartFlag(f, &o.Chart)
	releaseFlags(f, &o.Values, &o.Image, &o.Release, &o.Namespace, &o.KubeVersion)
	f.StringVar(&o.Output, "output", "", "file to write")
	return cmd
}

func chartPackageCommand(a *cli.App) *cobra.Command {
	var o chart.PackageOptions
	cmd := &cobra.Command{
		Use:     "package",
		Short:   "Write a chart as a .tgz, the same bytes for the same chart",
		Example: "  pave chart package --output out",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.Finish(chart.Package(cmd.Context(), o))
		},
	}
	chartFlag(cmd.Flags(), &o.Chart)
	cmd.Flags().StringVar(&o.Output, "output", ".", "folder for the package")
	return cmd
}

func chartPushCommand(a *cli.App) *cobra.Command {
	var o chart.PushOptions
	cmd := &cobra.Command{
		Use:   "push",
		Short: "Push a chart to an OCI registry; a published version is never overwritten",
		Example: `  pave chart push --repository registry.example.internal/platform/charts \
    --registry-username robot --registry-password-env REGISTRY_PASSWORD`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "repository"); err != nil {
				return err
			}
			return a.Finish(chart.Push(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	chartFlag(f, &o.Chart)
	f.StringVar(&o.Repository, "repository", "", "where charts are kept: registry/project/charts")
	f.BoolVar(&o.DryRun, "dry-run", false, "say what would be pushed and whether the version is free, push nothing")
	cli.RegistryFlags(f, &o.Registry)
	return cmd
}

func chartFlag(f *pflag.FlagSet, path *string) {
	f.StringVar(path, "chart", "", "folder or .tgz of a chart (default: the base chart platform-app in this binary)")
}

func releaseFlags(f *pflag.FlagSet, values, image, release, namespace, kubeVersion *string) {
	f.StringVar(values, "values", "", "values file")
	f.StringVar(image, "image", "", "image by digest to use instead of the one in the values")
	f.StringVar(release, "release", "", "name of the release (default: the value name, else the chart's name)")
	f.StringVar(namespace, "namespace", "default", "namespace of the release")
	f.StringVar(kubeVersion, "kube-version", chart.DefaultKubeVersion, "Kubernetes version to render for")
}
