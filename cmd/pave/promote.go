package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/promote"
)

// promoteCommand takes releases through the environments.
func promoteCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "promote",
		Short: "Take a release to the next environment, back, or out for ever",
		Long: `Take a release to the next environment, back, or out for ever.

A release is an image by digest, a chart by version and values. It moves by a
commit to the GitOps repository, which also adds to
apps/PROJECT/ENVIRONMENT/APP/history.yaml. The environments and their order are
in apps/PROJECT/environments.yaml, as in

  environments: [staging, acceptance, production]
  optional: [acceptance]
  soak: {staging: 10m, acceptance: 1h}

and staging, production without that file.`,
	}
	cmd.AddCommand(promoteRunCommand(a), promoteRollbackCommand(a), promoteRejectCommand(a), promoteHistoryCommand(a))
	return cmd
}

func promoteRunCommand(a *cli.App) *cobra.Command {
	var o promote.Options
	var m moveFlags
	var failure failureFlags
	cmd := &cobra.Command{
		Use:   "run --project PROJECT --app APP --values production.yaml --public-key cosign.pub [--wait --kubeconfig-file FILE]",
		Short: "Promote what an environment has to the next one",
		Long: `Promote what an environment has to the next one.

The image, the chart and the source's commit are those of the earlier
environment; the values are rendered for the later one, and the image is pinned
into them. The image's signature and attestations are verified again: exit 3 if
they do not hold, if the digest is rejected, if somebody edited the earlier
environment's file by hand, or if an environment would be skipped that is not
optional. If one of the two environments changes meanwhile, nothing is done.

With a kubeconfig, Argo CD must have the earlier environment Synced and Healthy
at exactly that release, for as long as --soak or the project's environments.yaml
says, by the cluster's clock: else exit 3. With --wait the release is followed
until it is Healthy. If it is not in time, it is taken back to the last good
release, unless --no-rollback says otherwise, and the exit code is 1.

With --pull-request the change is offered on a branch pave/promote/… in one pull
request, which the next run brings up to date.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := failure.apply(cmd, &o); err != nil {
				return err
			}
			if err := m.complete(cmd, a, failure.soak > 0, "repository", "project", "app", "values"); err != nil {
				return err
			}
			o.ArgoCDNamespace = m.cluster.Namespace
			return move(cmd.Context(), a, func(ctx context.Context) (promote.Result, error) { return promote.Run(ctx, o) })
		},
	}
	f := cmd.Flags()
	m.add(f, &o.Common)
	failure.add(f)
	f.StringVar(&o.From, "from", "", "environment that has the release (default: the project's first)")
	f.StringVar(&o.To, "to", "", "environment that gets it (default: the next one)")
	f.StringVar(&o.ValuesFile, "values", "", "YAML file with the chart's values for the environment that gets it")
	f.StringVar(&o.Digest, "digest", "", "promote only if this is the digest that --from has")
	f.StringVar(&o.Cluster, "cluster", "", "Kubernetes API that Argo CD deploys to (default: as now, else Argo CD's own)")
	return cmd
}

func promoteRollbackCommand(a *cli.App) *cobra.Command {
	var o promote.RollbackOptions
	var m moveFlags
	cmd := &cobra.Command{
		Use:   "rollback --project PROJECT --app APP --environment production --public-key cosign.pub [--wait --kubeconfig-file FILE]",
		Short: "Take an environment back to an earlier release of its history",
		Long: `Take an environment back to an earlier release of its history.

Image, chart and values come back as they were, verified again. Without --to the
last change is taken back, once: run again, it does nothing. A rejected digest is
no way back, and neither is a release that was seen to fail. With --wait it is
followed until it is Healthy.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := m.complete(cmd, a, false, "repository", "project", "app", "environment"); err != nil {
				return err
			}
			return move(cmd.Context(), a, func(ctx context.Context) (promote.Result, error) { return promote.Rollback(ctx, o) })
		},
	}
	f := cmd.Flags()
	m.add(f, &o.Common)
	f.StringVar(&o.Environment, "environment", "", "environment that goes back")
	f.StringVar(&o.To, "to", "", "digest of the history, as sha256:… (default: the last good one)")
	f.StringVar(&o.Digest, "digest", "", "go back only if this is the digest that the environment has, or was rolled back from")
	f.StringVar(&o.Reason, "reason", "", "why, for the history")
	return cmd
}

func promoteRejectCommand(a *cli.App) *cobra.Command {
	var o promote.RejectOptions
	cmd := &cobra.Command{
		Use:   "reject sha256:… --project PROJECT --reason TEXT",
		Short: "Keep a digest out of a project for ever",
		Long: `Keep a digest out of a project for ever.

Deploy, promotion and rollback refuse a rejected digest with exit code 3, and say
who rejected it, when and why. What already runs goes on running.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cli.Required(cmd, "repository", "project", "reason"); err != nil {
				return err
			}
			o.Repository.Log, o.Digest = a.Log, args[0]
			return a.Finish(promote.Reject(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	gitFlags(f, &o.Repository)
	f.StringVar(&o.Project, "project", "", "project of the platform, a DNS label")
	f.StringVar(&o.Reason, "reason", "", "why, for those who meet the rejection")
	f.StringVar(&o.By, "by", "", "who rejects it (default: the author of the commit)")
	f.BoolVar(&o.DryRun, "dry-run", false, "push nothing")
	return cmd
}

func promoteHistoryCommand(a *cli.App) *cobra.Command {
	var o promote.HistoryOptions
	cmd := &cobra.Command{
		Use:   "history --project PROJECT --app APP --environment production",
		Short: "Show what an application had in an environment, and who put it there",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "repository", "project", "app", "environment"); err != nil {
				return err
			}
			return a.Finish(promote.History(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	gitFlags(f, &o.Repository)
	applicationFlags(f, &o.Project, &o.App)
	f.StringVar(&o.Environment, "environment", "", "environment, as in production")
	return cmd
}
