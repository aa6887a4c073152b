package promote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Options say what is promoted, and where to.
type Options struct {
	Common
	From       string // environment; empty: the project's first
	To         string // environment; empty: the next one after From
	ValuesFile string // YAML, for the chart, rendered for the target environment
	Digest     string // what From must have; empty: whatever it has

	Soak         *time.Duration // how long From must have been Healthy with the release; nil: as the project declares
	Again        bool           // also a release that was taken back because it did not become Healthy
	KeepFailed   bool           // with Wait: leave a release that does not become Healthy where it is
	RejectFailed bool           // with Wait: reject the digest of a release that does not become Healthy

	Cluster         string // Kubernetes API that Argo CD deploys to; empty: as now, else Argo CD's own
	ArgoCDNamespace string // empty: as now, else argocd
}

// Common is what a promotion and a rollback share.
type Common struct {
	Repository   gitrepo.Options // the GitOps repository
	Project, App string          // DNS labels
	By           string          // who wants it; empty: the commit's author
	Verify       Verify          `json:"-"`
	Present      Present         `json:"-"` // nil: nobody looks again
	Force        bool            // overwrite what somebody edited by hand; do not wait for a rollout that is followed
	DryRun       bool            // verify, show the difference, push nothing
	Output       string          // file for a copy of application.yaml; may be empty
	Time         time.Time       // of the history's entry; zero: now

	ArgoCD  Cluster       `json:"-"` // the cluster that Argo CD runs in; nil: nobody looks at it
	Wait    bool          // follow the release to Healthy
	Timeout time.Duration // of Wait; zero: argocd.DefaultTimeout
	Steady  time.Duration // with Wait: how long it must stay Healthy then

	// PullRequests is where the change is proposed, for people to merge; nil: it is
	// committed.
	PullRequests Forge `json:"-"`
}

// Verify checks the signature and the required attestations of an image, pinned
// by digest and built from revision (empty: not known). It gives what it
// verified, as in signature or spdx; what does not hold is a fault.Gate.
type Verify func(ctx context.Context, image, revision string) ([]string, error)

// Present tells whether the registry has an image, pinned by digest.
type Present func(ctx context.Context, image string) (bool, error)

func (c Common) validate() error {
	if c.Verify == nil {
		return fault.Inputf("a promotion needs a way to verify images")
	}
	return errors.Join(gitops.ValidProject(c.Project), gitops.ValidApp(c.App), validLine("--by", c.By), c.validWait())
}

func (c Common) validWait() error {
	switch {
	case c.Timeout < 0:
		return fault.Inputf("--timeout is below nothing: %s", c.Timeout)
	case c.Steady < 0:
		return fault.Inputf("--steady is below nothing: %s", c.Steady)
	case (c.Timeout > 0 || c.Steady > 0) && !c.Wait:
		return fault.Inputf("--timeout and --steady are for a release that is followed").Fix("give --wait too, or leave them out")
	case c.Wait && c.ArgoCD == nil:
		return needsCluster("--wait")
	case c.Wait && c.PullRequests != nil:
		return fault.Inputf("--wait follows what is committed, and --pull-request leaves that to people").
			Fix("run it again with --wait once the pull request is merged")
	}
	return nil
}

func (c Common) target(environment string) gitops.Target {
	return gitops.Target{Project: c.Project, Environment: environment, App: c.App}
}

// longestLine is how much text a person may add, in bytes.
const longestLine = 500

// validLine refuses what would forge a trailer in a commit's message, or play
// with the terminal of who reads it.
func validLine(flag, text string) error {
	switch {
	case strings.ContainsFunc(text, unicode.IsControl):
		return fault.Inputf("%s has a control character or more than one line", flag).Fix("write it as one line of text")
	case len(text) > longestLine:
		return fault.Inputf("%s has %d characters, and %d are allowed", flag, len(text), longestLine).Fix("say it shorter")
	}
	return nil
}

// who gives by, or the author of the commit.
func who(by string, author gitrepo.Author) string {
	if by != "" {
		return by
	}
	return fmt.Sprintf("%s <%s>", author.Name, author.Email)
}

// when gives a time as the files hold it; for the zero time now.
func when(t time.Time) time.Time {
	if t.IsZero() {
		t = time.Now()
	}
	return t.UTC().Truncate(time.Second)
}
