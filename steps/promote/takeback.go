package promote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// TakenBack is what became of a promotion whose release did not become Healthy.
type TakenBack struct {
	Reason   string `json:"reason"`             // why it was taken back
	Digest   string `json:"digest,omitempty"`   // what the environment went back to; empty: it could not
	Image    string `json:"image,omitempty"`    // the same
	Commit   string `json:"commit,omitempty"`   // the rollback's; empty: not known, since it is of an earlier run
	Healthy  bool   `json:"healthy"`            // Argo CD says so of what it went back to
	Rejected bool   `json:"rejected,omitempty"` // the digest, for ever
	Problem  string `json:"problem,omitempty"`  // what went wrong with the way back
}

// settle ends a promotion that is followed: its release is Healthy, or it is taken
// back.
func (o Options) settle(ctx context.Context, m *move, r Result, err error) (Result, error) {
	failure, unwell := errors.AsType[*argocd.Failure](err)
	if !unwell || o.KeepFailed || waitsForAPerson(failure) {
		return r, err
	}
	if !r.Changed { // an earlier run made the commit
		r.Commit = o.earlier(ctx, m.next.Path(), 0)
	}
	r.TakenBack = &TakenBack{Reason: reason(failure, r.Rollout.Waited)}
	o.log("taking it back: it "+r.TakenBack.Reason, m)
	b := RollbackOptions{
		Common: o.Common, Environment: m.next.Environment, Digest: m.next.Digest(), Reason: r.TakenBack.Reason,
		automatic: true, from: m.content,
	}
	b.Output, b.Time = "", time.Time{}
	back, err := Rollback(ctx, b)
	r.TakenBack.is(back, err)
	return o.report(ctx, m, r)
}

// waitsForAPerson tells a rollout that is paused until somebody lets it go on from
// one that failed: it is as its authors wanted it.
func waitsForAPerson(f *argocd.Failure) bool {
	return f.Final && f.State.Health == argocd.Suspended
}

func (t *TakenBack) is(back Result, err error) {
	t.Digest, t.Image, t.Commit = back.Digest, back.Image, back.Commit
	t.Healthy = back.Rollout != nil && back.Rollout.Healthy
	if err != nil {
		t.Problem = err.Error()
	}
}

// resume is the second run of a promotion that was taken back: it does what the
// first run would have done next, and ends like it.
func (o Options) resume(ctx context.Context, m *move) (Result, error) {
	promotion, back := m.history.TakenBack()
	r := m.result(o.Common)
	r.Commit = o.earlier(ctx, m.next.Path(), 1)
	r.TakenBack = &TakenBack{Reason: back.Reason}
	repository, err := gitrepo.New(o.Repository)
	if err != nil {
		return Result{}, err
	}
	there := &move{
		next:    gitops.Application{Target: m.next.Target, Release: back.Release},
		content: m.before, before: m.before, history: m.history, entry: *back,
	}
	result := Result{Digest: back.Digest, Image: back.Release.Image, Commit: o.earlier(ctx, m.next.Path(), 0)}
	r.Digest, r.Previous = promotion.Digest, back.Digest
	r.TakenBack.is(result, nil)
	err = o.follow(ctx, repository, there, &result)
	r.TakenBack.is(result, err)
	return o.report(ctx, m, r)
}

// report rejects the digest where that is asked for, and says it all in one error.
func (o Options) report(ctx context.Context, m *move, r Result) (Result, error) {
	t := r.TakenBack
	if o.RejectFailed {
		_, err := Reject(ctx, RejectOptions{
			Repository: o.Repository, Project: o.Project, Digest: m.next.Digest(), By: o.By,
			Reason: oneLine(fmt.Sprintf("%s in %s: it %s", o.App, m.next.Environment, t.Reason)),
		})
		t.Rejected = err == nil
		if err != nil {
			t.Problem = strings.TrimPrefix(t.Problem+"; the digest is not rejected: "+err.Error(), "; ")
		}
	}
	failed := fmt.Sprintf("%s of %s: %s (commit %s) %s", m.next.App, m.next.Environment, gitops.Short(m.next.Digest()), or(r.Commit, "of an earlier run"), t.Reason)
	switch {
	case t.Digest == "":
		return r, fault.Failedf("%s; it could not be taken back: %s", failed, t.Problem).Fix("look at %s now, with pave promote history and kubectl", m.next.Environment)
	case t.Problem != "":
		return r, fault.Failedf("%s; it went back to %s (commit %s), and then: %s", failed, gitops.Short(t.Digest), or(t.Commit, "of an earlier run"), t.Problem)
	}
	return r, fault.Failedf("%s; it went back to %s (commit %s), which is Healthy", failed, gitops.Short(t.Digest), or(t.Commit, "of an earlier run")).
		Fix("mend it and promote the new release, or this one once more with --again")
}

// takenBack is the gate that keeps a release from coming again that was taken back
// because it did not become Healthy: a pipeline that runs again would break the
// environment again.
func (m *move) takenBack() error {
	promotion, back := m.history.TakenBack()
	if back == nil || m.running == nil || !back.Release.Same(m.running.Release) || !promotion.Release.Same(m.next.Release) {
		return nil
	}
	return &again{fault.Gatef("%s of %s was taken back from %s at %s: it %s", gitops.Short(promotion.Digest), m.next.App, m.next.Environment, back.At.Format(time.RFC3339), back.Reason).
		Fix("mend it and promote the new release, or this one once more with --again")}
}

// again is a promotion of what was taken back.
type again struct{ error }

func (a *again) Unwrap() error { return a.error }

// earlier is the commit that gave a file what it had n changes ago; empty where it
// is not known.
func (c Common) earlier(ctx context.Context, path string, n int) string {
	repository, err := gitrepo.New(c.Repository)
	if err != nil {
		return ""
	}
	commits, err := repository.Changes(ctx, path, n+1)
	if err != nil || len(commits) <= n {
		return ""
	}
	return commits[n]
}

// reason says for the history what became of a release.
func reason(f *argocd.Failure, waited string) string {
	detail := f.Why
	if _, rest, ok := strings.Cut(detail, ": "); ok && strings.HasPrefix(detail, "Application ") {
		detail = rest
	}
	if len(f.Problems) > 0 {
		detail = f.Problems[0].Resource + ": " + f.Problems[0].Text
		if n := len(f.Problems) - 1; n > 0 {
			detail += fmt.Sprintf(" (and %d more)", n)
		}
	}
	return oneLine(fmt.Sprintf("did not become Healthy in %s: %s", waited, detail))
}

// oneLine makes other people's words fit for the history and the commit's message.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
	const most = longestLine - len("…")
	if len(text) <= longestLine {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
