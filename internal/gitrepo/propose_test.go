package gitrepo_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
)

const offer = "pave/offer"

// offering is a change that writes one file, unless that is what is proposed.
func offering(path, content string) func(base, proposed *gitrepo.Tree) (gitrepo.Change, error) {
	return func(_, proposed *gitrepo.Tree) (gitrepo.Change, error) {
		if proposed != nil {
			if now, err := proposed.Read(path); err == nil && string(now) == content {
				return gitrepo.Change{}, nil
			}
		}
		return put(path, content)(nil)
	}
}

func propose(t *testing.T, r *gitrepo.Repository, change func(base, proposed *gitrepo.Tree) (gitrepo.Change, error)) gitrepo.Result {
	t.Helper()
	result, err := r.Propose(t.Context(), offer, change)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestAProposalNeedsNoRightsOnTheBranch(t *testing.T) {
	s := gittest.Start(t, gittest.Options{TLS: true, Auth: true, Protect: []string{"main"}})
	seed := s.Commit(t, "main", "seed", map[string]string{"x": "x"})
	r := open(t, options(s))
	first := propose(t, r, offering("a", "1"))
	if !first.Changed || first.Commit != s.Head(t, offer) || s.Head(t, "main") != seed || s.Git(t, "rev-parse", offer+"^") != seed {
		t.Fatalf("%+v, and %s is at %s", first, offer, s.Head(t, offer))
	}
	if again := propose(t, r, offering("a", "1")); again.Changed || again.Commit != first.Commit {
		t.Errorf("again: %+v", again)
	}
	moved := s.Commit(t, "main", "more", map[string]string{"x": "y"})
	second := propose(t, r, offering("a", "2"))
	if !second.Changed || s.Git(t, "merge-base", offer, "main") != moved || s.Git(t, "diff", "--name-only", "main", offer) != "a" || s.File(t, offer, "a") != "2" || s.File(t, offer, "x") != "y" {
		t.Errorf("another: %+v", second)
	}
}

func TestAProposalOfWhatIsThereMakesNoBranch(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"a": "1\n"})
	if r := propose(t, open(t, options(s)), offering("a", "1\n")); r.Changed || r.Commit != "" || s.Head(t, offer) != "" {
		t.Errorf("%+v", r)
	}
}

func TestABrokenProposalLandsOnce(t *testing.T) {
	for name, faults := range map[string][]gittest.Fault{
		"busy, then cut before":     {gittest.Busy, gittest.CutBefore},
		"cut after the server took": {gittest.CutAfter},
		"taken late":                {gittest.CutLate},
	} {
		t.Run(name, func(t *testing.T) {
			s := gittest.Start(t, gittest.Options{})
			s.Commit(t, "main", "seed", map[string]string{"x": "x"})
			r := open(t, options(s))
			propose(t, r, offering("a", "1"))
			s.Fail(faults...)
			if got := propose(t, r, offering("a", "2")); !got.Changed || got.Commit != s.Head(t, offer) || s.Commits(t, offer) != 3 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAProposalThatLosesARaceLooksAgain(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"x": "x"})
	r := open(t, options(s))
	s.BeforePush(func() { propose(t, open(t, options(s)), offering("a", "1")) })
	if got := propose(t, r, offering("a", "1")); got.Changed || got.Attempts != 2 || s.Commits(t, offer) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestProposalsThatAreRefused(t *testing.T) {
	s := gittest.Start(t, gittest.Options{Protect: []string{offer}})
	s.Commit(t, "main", "seed", map[string]string{"x": "x"})
	r := open(t, options(s))
	_, err := r.Propose(t.Context(), "main", offering("a", "1"))
	check(t, err, fault.Input, "cannot be on that branch")
	_, err = r.Propose(t.Context(), "a..b", offering("a", "1"))
	check(t, err, fault.Input, "not a valid Git branch name")
	no := errors.New("no")
	if _, err = r.Propose(t.Context(), offer, func(_, _ *gitrepo.Tree) (gitrepo.Change, error) { return gitrepo.Change{}, no }); !errors.Is(err, no) {
		t.Error(err)
	}
	propose(t, r, offering("a", "1"))
	_, err = r.Propose(t.Context(), offer, offering("a", "2"))
	if check(t, err, fault.Failed, "refused the push to "+offer); !errors.Is(err, gitrepo.ErrRefused) {
		t.Errorf("it is no ErrRefused: %v", err)
	}
	theirs := s.Commit(t, offer, "theirs", map[string]string{"b": "b"})
	_, err = r.Propose(t.Context(), offer, offering("a", "2"))
	check(t, err, fault.Failed, "the newest commit on "+offer+" is by Jane <jane@example.com>, not by pave@example.com", "delete the branch")
	if s.Head(t, offer) != theirs {
		t.Error("it was overwritten")
	}
	if !strings.Contains(s.File(t, offer, "b"), "b") {
		t.Error("it is gone")
	}
}
