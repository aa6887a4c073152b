package promote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// RejectOptions say what must not run in a project any more, and why.
type RejectOptions struct {
	Repository gitrepo.Options // the GitOps repository
	Project    string
	Digest     string
	Reason     string
	By         string    // empty: the commit's author
	DryRun     bool      // push nothing
	Time       time.Time // zero: now
}

// RejectResult is what a rejection came to.
type RejectResult struct {
	gitops.Rejection
	Project    string   `json:"project"`
	Repository string   `json:"repository"`
	Branch     string   `json:"branch"`
	Path       string   `json:"path"`
	Commit     string   `json:"commit"`
	Changed    bool     `json:"changed"` // false: it was rejected before, for the reason that is given
	DryRun     bool     `json:"dryRun,omitempty"`
	Attempts   int      `json:"attempts"`
	Running    []string `json:"running,omitempty"` // where it is still deployed, as ENVIRONMENT/APP
}

// Summary says the result in a few lines.
func (r RejectResult) Summary(w io.Writer) {
	what := "rejected "
	switch {
	case !r.Changed:
		what = "unchanged"
	case r.DryRun:
		what = "dry run: would reject"
	}
	fmt.Fprintf(w, "%s %s in project %s\nreason    %s\nby        %s, %s\n", what, r.Digest, r.Project, r.Reason, r.By, r.At.Format(time.RFC3339))
	if len(r.Running) > 0 {
		fmt.Fprintf(w, "still in  %s: take it back with pave promote rollback, or deploy another\n", strings.Join(r.Running, ", "))
	}
}

// Reject keeps a digest out of a project for ever: deploy, promotion and rollback
// refuse it. What already runs goes on running. A digest that was rejected before
// keeps its first reason.
func Reject(ctx context.Context, o RejectOptions) (RejectResult, error) {
	if err := o.validate(); err != nil {
		return RejectResult{}, err
	}
	repository, err := gitrepo.New(o.Repository)
	if err != nil {
		return RejectResult{}, err
	}
	r := RejectResult{
		Project: o.Project, Repository: o.Repository.URL, Branch: o.Repository.Branch, Path: gitops.RejectedPath(o.Project), DryRun: o.DryRun,
		Rejection: gitops.Rejection{Digest: o.Digest, Reason: o.Reason, By: who(o.By, o.Repository.Author), At: when(o.Time)},
	}
	if !o.DryRun {
		mine := r.Rejection
		update, err := repository.Update(ctx, func(tree *gitrepo.Tree) (change gitrepo.Change, err error) {
			r.Rejection, change, err = reject(tree, o.Project, mine)
			return change, err
		})
		if err != nil {
			return RejectResult{}, err
		}
		r.Commit, r.Changed, r.Attempts = update.Commit, update.Changed, update.Attempts
	}
	err = repository.Read(ctx, func(tree *gitrepo.Tree) (err error) {
		if o.DryRun {
			var change gitrepo.Change
			if r.Rejection, change, err = reject(tree, o.Project, r.Rejection); err != nil {
				return err
			}
			r.Commit, r.Changed, r.Attempts = tree.Head(), len(change.Write) > 0, 1
		}
		r.Running, err = gitops.Where(tree, o.Project, o.Digest)
		return err
	})
	if err != nil && r.Changed && !o.DryRun {
		return RejectResult{}, fault.Failedf("the digest is rejected, where it still runs is not known: %w", err)
	}
	return r, err
}

func (o RejectOptions) validate() error {
	if strings.TrimSpace(o.Reason) == "" {
		return fault.Inputf("a rejection needs a reason").Fix("say it with --reason to those who will meet it")
	}
	return errors.Join(gitops.ValidProject(o.Project), gitops.ValidDigest(o.Digest), validLine("--reason", o.Reason), validLine("--by", o.By))
}

// reject gives the rejection that stands, and the change that it takes.
func reject(tree *gitrepo.Tree, project string, mine gitops.Rejection) (gitops.Rejection, gitrepo.Change, error) {
	rejections, err := gitops.LoadRejections(tree, project)
	if err != nil {
		return mine, gitrepo.Change{}, err
	}
	if found := rejections.Find(mine.Digest); found != nil {
		return *found, gitrepo.Change{}, nil
	}
	rejections.Rejected = append(rejections.Rejected, mine)
	content, err := rejections.Render()
	if err != nil {
		return mine, gitrepo.Change{}, err
	}
	message := gitops.Message(fmt.Sprintf("reject(%s): %s", project, gitops.Short(mine.Digest)),
		gitops.Trailer{Key: "Digest", Value: mine.Digest}, gitops.Trailer{Key: "Reason", Value: mine.Reason}, gitops.Trailer{Key: "Requested-By", Value: mine.By})
	return mine, gitrepo.Change{Write: map[string][]byte{gitops.RejectedPath(project): content}, Message: message}, nil
}
