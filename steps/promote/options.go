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

	Cluster         string // Kubernetes API that Argo CD deploys to; empty: as now, else Argo CD's own
	ArgoCDNamespace string // empty: as now, else argocd
}

// Common is what a promotion and a rollback share.
type Common struct {
	Repository   gitrepo.Options // the GitOps repository
	Project, App string          // DNS labels
	By           string          // who wants it; empty: the commit's author
	Verify       Verify          `json:"-"`
	Force        bool            // overwrite what somebody edited by hand
	DryRun       bool            // verify, show the difference, push nothing
	Output       string          // file for a copy of application.yaml; may be empty
	Time         time.Time       // of the history's entry; zero: now
}

// Verify checks the signature and the required attestations of an image, pinned
// by digest and built from revision (empty: not known). It gives what it
// verified, as in signature or spdx; what does not hold is a fault.Gate.
type Verify func(ctx context.Context, image, revision string) ([]string, error)

func (c Common) validate() error {
	if c.Verify == nil {
		return fault.Inputf("a promotion needs a way to verify images")
	}
	return errors.Join(gitops.ValidProject(c.Project), gitops.ValidApp(c.App), validLine("--by", c.By))
}

func (c Common) target(environment string) gitops.Target {
	return gitops.Target{Project: c.Project, Environment: environment, App: c.App}
}

// validLine refuses what would forge a trailer in a commit's message, or play
// with the terminal of who reads it.
func validLine(flag, text string) error {
	const longest = 500 // characters
	switch {
	case strings.ContainsFunc(text, unicode.IsControl):
		return fault.Inputf("%s has a control character or more than one line", flag).Fix("write it as one line of text")
	case len(text) > longest:
		return fault.Inputf("%s has %d characters, and %d are allowed", flag, len(text), longest).Fix("say it shorter")
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
