package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/golden-path/gitops"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
)

// gitopsCommand sets up what Argo CD follows.
func gitopsCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gitops",
		Short: "Set up the GitOps repository that Argo CD follows",
		Long: `Set up the GitOps repository that Argo CD follows.

  platform/platform.yaml        Application that applies this folder
  platform/appproject-*.yaml    what the platform's own Applications may do
  platform/guard*.yaml          policy: a project's folder is for that project
  platform/apps.yaml            ApplicationSet of all apps/PROJECT/ENVIRONMENT
  platform/projects/NAME.yaml   AppProject of a project
  platform/repositories/…       where Argo CD's credentials are in Vault

Somebody applies platform/appproject-platform.yaml and platform/platform.yaml
once; from then on Argo CD applies all of it.`,
	}
	cmd.AddCommand(gitopsInitCommand(a), gitopsRenderCommand(a))
	return cmd
}

func gitopsInitCommand(a *cli.App) *cobra.Command {
	var o gitops.InitOptions
	var projects projectFlags
	cmd := &cobra.Command{
		Use:   "init --repository URL --chart-repository REGISTRY/PROJECT/charts [--project NAME=GROUP …]",
		Short: "Commit what Argo CD follows the repository by",
		Long: `Commit what Argo CD follows the repository by.

Run again with the same flags it makes no commit. Projects that are there and not
named stay as they are. A file that was edited by hand is overwritten with
--force only.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "repository", "chart-repository"); err != nil {
				return err
			}
			var err error
			if o.Projects, err = projects.projects(); err != nil {
				return err
			}
			o.Repository.Log = a.Log
			return a.Finish(gitops.Init(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	gitFlags(f, &o.Repository)
	f.StringVar(&o.RepositoryURL, "argocd-repository", "", "the repository as Argo CD reaches it (default: as --repository)")
	gitopsFlags(f, &o.Options, &projects)
	f.BoolVar(&o.Force, "force", false, "overwrite what somebody edited by hand")
	f.BoolVar(&o.DryRun, "dry-run", false, "show the difference and push nothing")
	return cmd
}

func gitopsRenderCommand(a *cli.App) *cobra.Command {
	var o gitops.Options
	var projects projectFlags
	var output string
	cmd := &cobra.Command{
		Use:   "render --output DIR --argocd-repository URL --chart-repository REGISTRY/PROJECT/charts [--project NAME=GROUP …]",
		Short: "Write what Argo CD follows the repository by into a folder",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "output", "argocd-repository", "chart-repository"); err != nil {
				return err
			}
			var err error
			if o.Projects, err = projects.projects(); err != nil {
				return err
			}
			return a.Finish(gitops.Write(o, output))
		},
	}
	f := cmd.Flags()
	f.StringVar(&output, "output", "", "folder for the files, made if missing")
	f.StringVar(&o.RepositoryURL, "argocd-repository", "", "the GitOps repository as Argo CD reaches it")
	f.StringVar(&o.Branch, "branch", "main", "branch that Argo CD follows")
	gitopsFlags(f, &o, &projects)
	return cmd
}

// gitopsFlags adds what both commands share.
func gitopsFlags(f *pflag.FlagSet, o *gitops.Options, p *projectFlags) {
	f.StringArrayVar(&o.ChartRepositories, "chart-repository", nil, "where projects may take charts from, as in registry/project/charts; can be given again")
	f.StringArrayVar(&p.names, "project", nil, "project with the directory's group of its developers, as in shop=shop-developers; can be given again")
	f.StringSliceVar(&p.environments, "environments", nil, "environments of these projects in their order (default staging,production)")
	f.BoolVar(&p.previews, "previews", false, "these projects have previews of pull requests")
	f.StringVar(&o.Credentials.Store, "secret-store", "", "ClusterSecretStore with Argo CD's credentials")
	f.StringVar(&o.Credentials.Git, "git-credentials", "", "path in the store of username and password for the GitOps repository")
	f.StringVar(&o.Credentials.Charts, "chart-credentials", "", "path in the store of username and password for the chart repositories")
	destinationFlags(f, &o.Cluster, &o.ArgoCDNamespace)
}

// projectFlags are the projects as they are given.
type projectFlags struct {
	names, environments []string
	previews            bool
}

func (p projectFlags) projects() ([]gitops.Project, error) {
	var all []gitops.Project
	for _, given := range p.names {
		name, group, _ := strings.Cut(given, "=")
		all = append(all, gitops.Project{Name: name, Group: group, Environments: p.environments, Previews: p.previews})
	}
	if len(all) == 0 && (len(p.environments) > 0 || p.previews) {
		return nil, fault.Inputf("environments and previews are of projects, and none is given").Fix("give --project")
	}
	return all, nil
}
