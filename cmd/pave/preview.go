package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/preview"
)

// previewCommand gives pull requests environments.
func previewCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "A throw-away environment for each pull request from a branch preview/APP/TEXT",
		Long: `A throw-away environment for each pull request from a branch preview/APP/TEXT.

Argo CD makes, changes and removes previews by an ApplicationSet in the GitOps
repository, apps/PROJECT/previews/APP/applicationset.yaml. A preview is staging
made light: one pod, no secrets, no volumes, no alerts, no database unless asked
for. It runs the image that is tagged with the commit, in namespace
PROJECT-previews, and answers at https://APP-pr-NUMBER.DOMAIN.`,
	}
	cmd.AddCommand(previewRenderCommand(a), previewEnableCommand(a), previewDisableCommand(a),
		previewListCommand(a), previewCommentCommand(a), previewPruneCommand(a))
	return cmd
}

func previewRenderCommand(a *cli.App) *cobra.Command {
	var o preview.RenderOptions
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print an application's ApplicationSet, and change nothing",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "forge", "forge-project", "forge-repository", "chart-repository", "chart-version"); err != nil {
				return err
			}
			return a.Finish(preview.Render(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	previewedFlags(f, &o.Application)
	f.StringVar(&o.Output, "output", "", "file to write (default: stdout)")
	return cmd
}

func previewEnableCommand(a *cli.App) *cobra.Command {
	var o preview.EnableOptions
	cmd := &cobra.Command{
		Use:   "enable",
		Short: "Commit an application's ApplicationSet to the GitOps repository",
		Long: `Commit an application's ApplicationSet to the GitOps repository.

Run it whenever the default branch changed: previews have the values of the
platform.yaml that it is given, whatever the pull request's own says. An unchanged
file makes no commit. One that was edited by hand is overwritten with --force only.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "repository", "forge", "forge-project", "forge-repository", "chart-repository", "chart-version"); err != nil {
				return err
			}
			o.Repository.Log = a.Log
			return a.Finish(preview.Enable(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	gitFlags(f, &o.Repository)
	previewedFlags(f, &o.Application)
	f.BoolVar(&o.Force, "force", false, "overwrite what somebody edited by hand")
	f.BoolVar(&o.DryRun, "dry-run", false, "show the difference and push nothing")
	f.StringVar(&o.Output, "output", "", "file for a copy of applicationset.yaml")
	return cmd
}

func previewDisableCommand(a *cli.App) *cobra.Command {
	var o preview.DisableOptions
	cmd := &cobra.Command{
		Use:   "disable",
		Short: "Remove an application's ApplicationSet, and with it all of its previews",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "repository", "project", "app"); err != nil {
				return err
			}
			o.Repository.Log = a.Log
			return a.Finish(preview.Disable(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	gitFlags(f, &o.Repository)
	applicationFlags(f, &o.Project, &o.App)
	f.BoolVar(&o.Force, "force", false, "remove it though somebody edited it by hand")
	f.BoolVar(&o.DryRun, "dry-run", false, "show the difference and push nothing")
	return cmd
}

func previewListCommand(a *cli.App) *cobra.Command {
	var o preview.ListOptions
	var cluster argocd.Options
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List an application's previews: pull request, address and, with a kubeconfig, state",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "project", "app", "forge", "forge-project", "forge-repository"); err != nil {
				return err
			}
			o.Forge.Log = a.Log
			o.Cluster = given(cluster, a)
			return a.Finish(preview.Run(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	previewFlags(f, &o.Of)
	cli.CAFlag(f, &o.Forge.CAFile)
	previewClusterFlags(f, &cluster)
	return cmd
}

func previewCommentCommand(a *cli.App) *cobra.Command {
	var o preview.CommentOptions
	cmd := &cobra.Command{
		Use:   "comment",
		Short: "Tell a pull request where its preview is, in one comment that is kept up to date",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "project", "app", "domain", "pull-request", "forge", "forge-project", "forge-repository"); err != nil {
				return err
			}
			o.Forge.Log = a.Log
			return a.Finish(preview.Comment(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	previewFlags(f, &o.Of)
	cli.CAFlag(f, &o.Forge.CAFile)
	f.IntVar(&o.Number, "pull-request", 0, "its number")
	f.BoolVar(&o.DryRun, "dry-run", false, "write nothing")
	return cmd
}

func previewPruneCommand(a *cli.App) *cobra.Command {
	var o preview.PruneOptions
	var cluster argocd.Options
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove what is left of previews, and take them from pull requests that nobody touches",
		Long: `Remove what is left of previews, and take them from pull requests that nobody touches.

With a kubeconfig: the previews that Argo CD still has though their pull request
is not open, as when its controller could not reach the forge. With --max-age and
--repository: those of open pull requests that nobody has touched for so long; they
come back when somebody does, and prune runs again.

Images stay: they have a commit for a tag, and any commit may be released. The
registry's retention rules are for them.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "project", "app", "forge", "forge-project", "forge-repository"); err != nil {
				return err
			}
			o.Log, o.Repository.Log, o.Forge.Log = a.Log, a.Log, a.Log
			o.Forge.CAFile = o.Repository.CAFile
			o.Cluster = given(cluster, a)
			return a.Finish(preview.Prune(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	gitFlags(f, &o.Repository)
	previewFlags(f, &o.Of)
	previewClusterFlags(f, &cluster)
	f.DurationVar(&o.MaxAge, "max-age", 0*time.Hour, "how long a preview lives that nobody touches the pull request of, as in 336h (default: for ever)")
	f.BoolVar(&o.Force, "force", false, "overwrite an ApplicationSet that somebody edited by hand")
	f.BoolVar(&o.DryRun, "dry-run", false, "say what would be removed and remove nothing")
	return cmd
}

// given is a cluster that flags name; nil for none.
func given(o argocd.Options, a *cli.App) *argocd.Options {
	if !o.Given() {
		return nil
	}
	o.Log = a.Log
	return &o
}
