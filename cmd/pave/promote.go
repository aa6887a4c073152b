package main

import (
	"context"
	"regexp"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/steps/promote"
	"github.com/pave-platform/pave/steps/sign"
)

// promoteCommand takes releases through the environments.
func promoteCommand(a *app) *cobra.Command {
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

and staging, production without that file.`,
	}
	cmd.AddCommand(promoteRunCommand(a), promoteRollbackCommand(a), promoteRejectCommand(a), promoteHistoryCommand(a))
	return cmd
}

func promoteRunCommand(a *app) *cobra.Command {
	var o promote.Options
	var v sign.VerifyOptions
	cmd := &cobra.Command{
		Use:   "run --project PROJECT --app APP --values production.yaml --public-key cosign.pub",
		Short: "Promote what an environment has to the next one",
		Long: `Promote what an environment has to the next one.

The image, the chart and the source's commit are those of the earlier
environment; the values are rendered for the later one, and the image is pinned
into them. The image's signature and attestations are verified again: exit 3 if
they do not hold, if the digest is rejected, if somebody edited the earlier
environment's file by hand, or if an environment would be skipped that is not
optional. If one of the two environments changes meanwhile, nothing is done.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "repository", "project", "app", "values"); err != nil {
				return err
			}
			o.Repository.Log = a.log
			o.Verify = verifier(v, o.Repository)
			result, err := promote.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.emit(result)
		},
	}
	f := cmd.Flags()
	moveFlags(f, &o.Common, &v)
	f.StringVar(&o.From, "from", "", "environment that has the release (default: the project's first)")
	f.StringVar(&o.To, "to", "", "environment that gets it (default: the next one)")
	f.StringVar(&o.ValuesFile, "values", "", "YAML file with the chart's values for the environment that gets it")
	f.StringVar(&o.Digest, "digest", "", "promote only if this is the digest that --from has")
	f.StringVar(&o.Cluster, "cluster", "", "Kubernetes API that Argo CD deploys to (default: as now, else Argo CD's own)")
	f.StringVar(&o.ArgoCDNamespace, "argocd-namespace", "", "namespace of Argo CD (default: as now, else argocd)")
	return cmd
}

func promoteRollbackCommand(a *app) *cobra.Command {
	var o promote.RollbackOptions
	var v sign.VerifyOptions
	cmd := &cobra.Command{
		Use:   "rollback --project PROJECT --app APP --environment production --public-key cosign.pub",
		Short: "Take an environment back to an earlier release of its history",
		Long: `Take an environment back to an earlier release of its history.

Image, chart and values come back as they were, verified again. Without --to the
last change is taken back, once: run again, it does nothing. A rejected digest is
no way back.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "repository", "project", "app", "environment"); err != nil {
				return err
			}
			o.Repository.Log = a.log
			o.Verify = verifier(v, o.Repository)
			result, err := promote.Rollback(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.emit(result)
		},
	}
	f := cmd.Flags()
	moveFlags(f, &o.Common, &v)
	f.StringVar(&o.Environment, "environment", "", "environment that goes back")
	f.StringVar(&o.To, "to", "", "digest of the history, as sha256:… (default: the last good one)")
	f.StringVar(&o.Digest, "digest", "", "go back only if this is the digest that the environment has, or was rolled back from")
	f.StringVar(&o.Reason, "reason", "", "why, for the history")
	return cmd
}

func promoteRejectCommand(a *app) *cobra.Command {
	var o promote.RejectOptions
	cmd := &cobra.Command{
		Use:   "reject sha256:… --project PROJECT --reason TEXT",
		Short: "Keep a digest out of a project for ever",
		Long: `Keep a digest out of a project for ever.

Deploy, promotion and rollback refuse a rejected digest with exit code 3, and say
who rejected it, when and why. What already runs goes on running.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := required(cmd, "repository", "project", "reason"); err != nil {
				return err
			}
			o.Repository.Log, o.Digest = a.log, args[0]
			result, err := promote.Reject(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.emit(result)
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

func promoteHistoryCommand(a *app) *cobra.Command {
	var o promote.HistoryOptions
	cmd := &cobra.Command{
		Use:   "history --project PROJECT --app APP --environment production",
		Short: "Show what an application had in an environment, and who put it there",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "repository", "project", "app", "environment"); err != nil {
				return err
			}
			result, err := promote.History(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.emit(result)
		},
	}
	f := cmd.Flags()
	gitFlags(f, &o.Repository)
	f.StringVar(&o.Project, "project", "", "project of the platform, a DNS label")
	f.StringVar(&o.App, "app", "", "application, a DNS label")
	f.StringVar(&o.Environment, "environment", "", "environment, as in production")
	return cmd
}

// moveFlags adds what a promotion and a rollback share.
func moveFlags(f *pflag.FlagSet, o *promote.Common, v *sign.VerifyOptions) {
	gitFlags(f, &o.Repository)
	f.StringVar(&o.Project, "project", "", "project of the platform, a DNS label")
	f.StringVar(&o.App, "app", "", "application, a DNS label")
	f.StringVar(&o.By, "by", "", "who wants it, for the history (default: the author of the commit)")
	f.BoolVar(&o.Force, "force", false, "overwrite what somebody edited by hand")
	f.BoolVar(&o.DryRun, "dry-run", false, "verify, show the difference and push nothing")
	f.StringVar(&o.Output, "output", "", "file for a copy of application.yaml")
	f.StringSliceVar(&v.Require, "require", []string{"spdx", "cyclonedx", "vuln", provenanceName},
		"predicate types that must be attested, besides the signature; the provenance must name the commit that the release is said to be from")
	publicKeyFlags(f, &v.Key)
	registryLoginFlags(f, &v.Registry)
}

// provenanceName is the short name of SLSA v1 provenance.
const provenanceName = "slsaprovenance1"

// fullCommit is a Git commit that is not abbreviated.
var fullCommit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// verifier lets the step that verifies images serve the one that promotes them.
// One CA serves the repository and the registry.
func verifier(o sign.VerifyOptions, repository gitrepo.Options) promote.Verify {
	o.Registry.CAFile = repository.CAFile
	return func(ctx context.Context, image, revision string) ([]string, error) {
		o.Ref = image
		if slices.Contains(o.Require, provenanceName) && fullCommit.MatchString(revision) {
			o.ProvenanceCommit = revision
		}
		result, err := sign.Verify(ctx, o)
		if err != nil {
			return nil, err
		}
		verified := []string{"signature"}
		for _, a := range result.Attestations {
			verified = append(verified, a.Type)
		}
		return verified, nil
	}
}
