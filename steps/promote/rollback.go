package promote

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// RollbackOptions say what goes back, and how far.
type RollbackOptions struct {
	Common
	Environment string
	To          string // digest of the history; empty: the last good release
	Digest      string // what Environment must have; empty: whatever it has
	Reason      string // may be empty

	automatic bool   // nobody asked for it
	from      []byte // with automatic: what application.yaml must be
}

// Rollback takes an environment back to a release of its history, whole: image,
// chart and values as they were. Without a digest it takes back the last change,
// once: an environment that was rolled back last stays as it is. So a program that
// goes back from a digest names it in Digest, and takes back nothing else.
func Rollback(ctx context.Context, o RollbackOptions) (Result, error) {
	if err := o.validate(); err != nil {
		return Result{}, err
	}
	o.ArgoCD = o.answering()
	return o.run(ctx, o.decide)
}

func (o RollbackOptions) validate() error {
	for _, digest := range []string{o.To, o.Digest} {
		if digest == "" {
			continue
		}
		if err := gitops.ValidDigest(digest); err != nil {
			return err
		}
	}
	if err := o.target(o.Environment).Validate(); err != nil {
		return err
	}
	if err := validLine("--reason", o.Reason); err != nil {
		return err
	}
	return o.Common.validate()
}

func (o RollbackOptions) decide(tree *gitrepo.Tree) (*move, error) {
	m := &move{
		next:  gitops.Application{Target: o.target(o.Environment)},
		entry: gitops.Entry{Action: gitops.Rollback, Reason: o.Reason, Automatic: o.automatic},
	}
	if err := m.look(tree); err != nil {
		return m, err
	}
	if m.running == nil {
		return m, fault.Inputf("%s is not deployed in %s: there is no %s", o.App, o.Environment, m.next.Path()).
			Fix("check --app and --environment")
	}
	history, err := gitops.LoadHistory(tree, m.next.Target)
	if err != nil {
		return m, err
	}
	if err := o.expected(*m.running, history); err != nil {
		return m, err
	}
	if o.automatic && !bytes.Equal(m.before, o.from) && !rolledBack(*m.running, history) {
		return m, moved(m.next.Target, history)
	}
	rejections, err := gitops.LoadRejections(tree, o.Project)
	if err != nil {
		return m, err
	}
	if m.next.Release, err = o.choose(*m.running, history, rejections); err != nil {
		return m, err
	}
	return m, m.prepare(tree, o.Common)
}

// expected refuses to take back what nobody spoke of.
func (o RollbackOptions) expected(running gitops.Application, history gitops.History) error {
	if o.Digest == "" || o.Digest == running.Digest() || rolledBack(running, history) && history.Last().Previous == o.Digest {
		return nil
	}
	return fault.Gatef("%s has %s of %s, not %s", o.Environment, running.Digest(), o.App, o.Digest).
		Fix("look at what came to %s since", o.Environment)
}

// rolledBack tells whether what runs is what the last rollback went back to.
func rolledBack(running gitops.Application, history gitops.History) bool {
	last := history.Last()
	return last != nil && last.Action == gitops.Rollback && last.Release.Same(running.Release)
}

// choose finds the release to go back to. It may be the one that runs.
func (o RollbackOptions) choose(running gitops.Application, history gitops.History, rejections gitops.Rejections) (gitops.Release, error) {
	if o.To != "" {
		return o.named(running, history)
	}
	if rolledBack(running, history) {
		return running.Release, nil
	}
	standing := history.Now(running, when(o.Time)).Standing()
	for _, e := range slices.Backward(standing[:len(standing)-1]) {
		if rejections.Find(e.Digest) == nil && !e.Unwell && !e.Release.Same(running.Release) {
			return e.Release, nil
		}
	}
	return gitops.Release{}, fault.Inputf("%s has no earlier release of %s that is good: neither rejected nor seen to fail", o.Environment, o.App).
		Fix("promote a good one, or see pave promote history")
}

// named finds the newest release with the digest that was asked for.
func (o RollbackOptions) named(running gitops.Application, history gitops.History) (gitops.Release, error) {
	if running.Digest() == o.To {
		return running.Release, nil
	}
	var known []string
	for _, e := range slices.Backward(history.Entries) {
		if e.Digest == o.To {
			return e.Release, nil
		}
		if !slices.Contains(known, e.Digest) {
			known = append(known, e.Digest)
		}
	}
	there := "it is empty"
	if len(known) > 0 {
		there = "it has " + strings.Join(known, ", ")
	}
	return gitops.Release{}, fault.Inputf("%s is not in the history of %s in %s (%s)", o.To, o.App, o.Environment, there).
		Fix("name one of these, or promote it")
}
