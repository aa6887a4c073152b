package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/deploy"
)

// deployCommand puts applications into environments.
func deployCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Put an application into an environment, by way of the GitOps repository or directly",
	}
	cmd.AddCommand(deployAppCommand(a))
	return cmd
}

func deployAppCommand(a *cli.App) *cobra.Command {
	var o deploy.Options
	cmd := &cobra.Command{
		Use:   "app",
		Short: "Commit an Argo CD Application with a pinned chart and image",
		Long: `Commit an Argo CD Application with a pinned chart and image.

Writes apps/PROJECT/ENVIRONMENT/APP/application.yaml and pushes the commit. An
unchanged file makes no commit. When somebody else pushes at the same time, the
deploy is applied again to what is there then. A file that was edited by hand is
overwritten with --force only.

With --apply the Application goes to the cluster instead, for platforms without
a GitOps repository; what was edited there by hand is overwritten with --force
only.

With --wait the deploy ends when Argo CD says Synced and Healthy of what was
deployed. Exit 1 if that is not so at --timeout, or cannot come any more; exit 3
if a policy refuses it. Either way the result names the problems in plain words.
Killed while it waits and run again, it makes no second commit.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			needed := []string{"project", "environment", "app", "chart-repository", "chart-version", "values"}
			if !o.Apply {
				needed = append([]string{"repository"}, needed...)
			}
			if err := cli.Required(cmd, needed...); err != nil {
				return err
			}
			o.Repository.Log, o.ArgoCD.Log, o.ArgoCD.CAFile = a.Log, a.Log, o.Repository.CAFile
			result, err := deploy.Run(cmd.Context(), o)
			if result.Application == "" {
				return err
			}
			return errors.Join(a.Emit(result), err)
		},
	}
	f := cmd.Flags()
	gitFlags(f, &o.Repository)
	applicationFlags(f, &o.Project, &o.App)
	f.StringVar(&o.Environment, "environment", "", "environment, as in staging")
	f.StringVar(&o.Chart.Repository, "chart-repository", "", "where the chart is, as in registry/project/charts")
	f.StringVar(&o.Chart.Name, "chart", "platform-app", "chart")
	f.StringVar(&o.Chart.Version, "chart-version", "", "the chart's exact version")
	f.StringVar(&o.ValuesFile, "values", "", "YAML file with the chart's values")
	f.StringVar(&o.Image, "image", "", "image as registry/project/app@sha256:…; default: the values' image")
	f.StringVar(&o.Revision, "revision", "", "commit of the source that the image was built from")
	destinationFlags(f, &o.Cluster, &o.ArgoCDNamespace)
	f.BoolVar(&o.Apply, "apply", false, "apply the Application to the cluster, without a repository")
	f.BoolVar(&o.Wait, "wait", false, "wait until the application is Synced and Healthy")
	f.DurationVar(&o.Timeout, "timeout", argocd.DefaultTimeout, "how long to wait")
	clusterFlags(f, &o.ArgoCD)
	f.BoolVar(&o.Force, "force", false, "overwrite what somebody edited by hand")
	f.BoolVar(&o.DryRun, "dry-run", false, "show the difference and change nothing")
	f.StringVar(&o.Output, "output", "", "file for a copy of application.yaml")
	return cmd
}
