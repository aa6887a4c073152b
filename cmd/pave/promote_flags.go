package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/steps/promote"
	"github.com/pave-platform/pave/steps/sign"
)

// moveFlags are those that a promotion and a rollback share.
type moveFlags struct {
	common      *promote.Common
	verify      sign.VerifyOptions
	cluster     argocd.Options
	pullRequest bool
	forge       forge.Options
}

func (m *moveFlags) add(f *pflag.FlagSet, o *promote.Common) {
	m.common = o
	gitFlags(f, &o.Repository)
	applicationFlags(f, &o.Project, &o.App)
	f.StringVar(&o.By, "by", "", "who wants it, for the history (default: the author of the commit)")
	f.BoolVar(&o.Force, "force", false, "overwrite what somebody edited by hand, and do not wait for a rollout that is still followed")
	f.BoolVar(&o.DryRun, "dry-run", false, "verify, show the difference and push nothing")
	f.StringVar(&o.Output, "output", "", "file for a copy of application.yaml")
	f.StringSliceVar(&m.verify.Require, "require", []string{"spdx", "cyclonedx", "vuln", provenanceName},
		"predicate types that must be attested, besides the signature; the provenance must name the commit that the release is said to be from")
	publicKeyFlags(f, &m.verify.Key)
	cli.RegistryLoginFlags(f, &m.verify.Registry)

	f.BoolVar(&o.Wait, "wait", false, "follow the release until Argo CD has it Synced and Healthy")
	f.DurationVar(&o.Timeout, "timeout", 0, "with --wait: how long (default: 10m)")
	f.DurationVar(&o.Steady, "steady", 0, "with --wait: how long it must stay Healthy then, on top of the timeout")
	clusterFlags(f, &m.cluster)
	f.StringVar(&m.cluster.Namespace, "argocd-namespace", "", "namespace of Argo CD (default: as now, else argocd)")

	f.BoolVar(&m.pullRequest, "pull-request", false, "offer the change in a pull request instead of pushing it to --branch")
	forgeFlags(f, &m.forge, "the GitOps repository (default: as in --repository)")
	cli.SecretFlags(f, &m.forge.Token, "forge-token", "the forge's token or password (default: the token for Git)")
}

// move runs a promotion or a rollback. One that was followed in vain has a result
// all the same: what was done, and what became of it.
func move(ctx context.Context, a *cli.App, run func(context.Context) (promote.Result, error)) error {
	result, err := run(ctx)
	if result.Action == "" {
		return err
	}
	return errors.Join(err, a.Emit(result))
}

// complete checks that the flags that are needed were given, and makes what they
// name: the way to verify, the cluster, the forge. Where the cluster is asked for
// anything, it must be there.
func (m *moveFlags) complete(cmd *cobra.Command, a *cli.App, asked bool, needs ...string) error {
	if err := cli.Required(cmd, needs...); err != nil {
		return err
	}
	o := m.common
	o.Repository.Log = a.Log
	m.verify.Registry.CAFile = o.Repository.CAFile // one CA serves the repository, the registry and the forge
	o.Verify, o.Present = verifier(m.verify), present(m.verify.Registry)
	if m.cluster.Given() || asked || o.Wait {
		m.cluster.Log, m.cluster.CAFile = a.Log, o.Repository.CAFile
		cluster, err := argocd.New(m.cluster)
		if err != nil {
			return err
		}
		o.ArgoCD = cluster
	}
	if m.pullRequest {
		client, err := m.pullRequests(a, o.Repository)
		if err != nil {
			return err
		}
		o.PullRequests = client
	}
	return nil
}

func (m *moveFlags) pullRequests(a *cli.App, git gitrepo.Options) (*forge.Client, error) {
	project, repository := forgeNames(git.URL)
	f := m.forge
	if f.Project == "" {
		f.Project = project
	}
	if f.Repository == "" {
		f.Repository = repository
	}
	if f.Token.IsZero() {
		f.Token = git.Token
	}
	f.CAFile, f.Log = git.CAFile, a.Log
	return forge.New(f)
}

// forgeNames gives project and repository as a Git URL has them: the last part is
// the repository, what is before it the project. Bitbucket Data Center puts scm
// before both over https.
func forgeNames(repository string) (project, name string) {
	path := repository
	if u, err := url.Parse(repository); err == nil && u.Scheme != "" {
		path = u.Path
	} else if _, after, ok := strings.Cut(repository, ":"); ok { // user@host:path
		path = after
	}
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	path = strings.TrimPrefix(path, "scm/")
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path
	}
	return path[:at], path[at+1:]
}

// provenanceName is the short name of SLSA v1 provenance.
const provenanceName = "slsaprovenance1"

// fullCommit is a Git commit that is not abbreviated.
var fullCommit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// verifier lets the step that verifies images serve the one that promotes them.
func verifier(o sign.VerifyOptions) promote.Verify {
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

// present asks the registry for an image's manifest.
func present(o registry.Options) promote.Present {
	return func(ctx context.Context, image string) (bool, error) {
		digest, err := registry.ParseDigest(image)
		if err != nil {
			return false, err
		}
		client, err := registry.New(o)
		if err != nil {
			return false, err
		}
		defer client.Close()
		_, err = remote.Head(digest, client.Remote(ctx)...)
		if answer, ok := errors.AsType[*transport.Error](err); ok && answer.StatusCode == http.StatusNotFound {
			return false, nil
		}
		if err != nil {
			return false, registry.Explain("image "+image, digest.Registry, err)
		}
		return true, nil
	}
}

// failureFlags say what becomes of a release that does not become Healthy.
type failureFlags struct {
	rollback, noRollback, reject, again bool
	soak                                time.Duration
}

func (x *failureFlags) add(f *pflag.FlagSet) {
	f.DurationVar(&x.soak, "soak", 0, "how long the earlier environment must have been Healthy with the release (default: as the project declares)")
	f.BoolVar(&x.rollback, "auto-rollback", true, "with --wait: take a release back that does not become Healthy")
	f.BoolVar(&x.noRollback, "no-rollback", false, "with --wait: leave a release that does not become Healthy where it is")
	f.BoolVar(&x.reject, "reject-on-failure", false, "with --wait: reject the digest of a release that was taken back, for ever")
	f.BoolVar(&x.again, "again", false, "promote a release also if it was taken back before because it did not become Healthy")
}

func (x *failureFlags) apply(cmd *cobra.Command, o *promote.Options) error {
	given := func(flag string) bool { return cmd.Flags().Changed(flag) }
	switch {
	case x.noRollback && given("auto-rollback") && x.rollback:
		return fault.Inputf("--auto-rollback and --no-rollback say the opposite").Fix("give one of them")
	case !o.Wait && (x.noRollback || given("auto-rollback")):
		return fault.Inputf("whether a release is taken back is a question only where it is followed").Fix("give --wait, or leave --auto-rollback and --no-rollback out")
	}
	o.Again, o.RejectFailed = x.again, x.reject
	o.KeepFailed = x.noRollback || !x.rollback
	if given("soak") {
		o.Soak = &x.soak
	}
	return nil
}
