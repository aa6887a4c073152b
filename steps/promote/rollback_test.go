package promote_test

import (
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/promote"
)

// promoted is a repository where production had the images one after another.
func promoted(t testing.TB, images ...int) *gittest.Server {
	t.Helper()
	s := gittest.Start(t, gittest.Options{})
	for _, n := range images {
		next(t, s, n)
	}
	return s
}

// next promotes image n, with n replicas.
func next(t testing.TB, s *gittest.Server, n int) {
	t.Helper()
	put(t, s, application("staging", "web", n, nil))
	o := options(t, s)
	o.ValuesFile = file(t, "environment: production\nreplicas: "+digest(n)[7:11]+"\n")
	run(t, o)
}

func back(s *gittest.Server, to string) promote.RollbackOptions {
	return promote.RollbackOptions{Common: common(s), Environment: "production", To: to, Reason: "errors"}
}

func rollback(t testing.TB, o promote.RollbackOptions) promote.Result {
	t.Helper()
	r, err := promote.Rollback(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reject(t testing.TB, s *gittest.Server, n int) promote.RejectResult {
	t.Helper()
	c := common(s)
	r, err := promote.Reject(t.Context(), promote.RejectOptions{Repository: c.Repository, Project: "shop", Digest: digest(n), Reason: "it leaks", By: "Eve", Time: noon})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARollbackBringsTheWholeReleaseBack(t *testing.T) {
	s := promoted(t, 1)
	before := s.File(t, "main", productionPath)
	next(t, s, 2)
	r := rollback(t, back(s, ""))
	if !r.Changed || r.Action != gitops.Rollback || r.Digest != digest(1) || r.Previous != digest(2) || r.To != "production" || len(r.Verified) == 0 {
		t.Errorf("%+v", r)
	}
	if after := s.File(t, "main", productionPath); after != before {
		t.Errorf("it is not as it was:\n%s", gitops.Diff(productionPath, []byte(before), []byte(after)))
	}
	entries := history(t, s, "production")
	last := entries[len(entries)-1]
	if len(entries) != 3 || last.Action != gitops.Rollback || last.By != "Jane" || last.Reason != "errors" || last.Previous != digest(2) {
		t.Errorf("%+v", last)
	}
	if m := s.Git(t, "log", "-1", "--format=%B", "main"); !strings.HasPrefix(m, "rollback(shop/production): web 0001") || !strings.Contains(m, "\nReason: errors\n") {
		t.Errorf("message: %s", m)
	}
}

func TestARollbackIsDoneOnce(t *testing.T) {
	s := promoted(t, 1, 2, 3)
	first := rollback(t, back(s, ""))
	second := rollback(t, back(s, ""))
	if second.Changed || second.Digest != digest(2) || second.Commit != first.Commit {
		t.Errorf("%+v", second)
	}
	var said strings.Builder
	if second.Summary(&said); !strings.Contains(said.String(), "to go further back, name a digest of the history with --to") {
		t.Errorf("it says:\n%s", &said)
	}
	if r := rollback(t, back(s, digest(1))); !r.Changed || r.Digest != digest(1) {
		t.Errorf("further back: %+v", r)
	}
	if r := rollback(t, back(s, digest(1))); r.Changed {
		t.Errorf("further back, again: %+v", r)
	}
}

func TestARollbackFromADigestTakesBackNothingElse(t *testing.T) {
	s := promoted(t, 1, 2)
	o := back(s, "")
	o.Digest = digest(2)
	if r := rollback(t, o); !r.Changed || r.Digest != digest(1) {
		t.Errorf("%+v", r)
	}
	if r := rollback(t, o); r.Changed {
		t.Errorf("again: %+v", r)
	}
	next(t, s, 3)
	_, err := promote.Rollback(t.Context(), o)
	refused(t, nil, err, fault.Gate, "production has "+digest(3)+" of web, not "+digest(2))
}

func TestTheLastGoodRelease(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, s *gittest.Server)
		want    int
	}{
		"is the one before":                     {func(*testing.T, *gittest.Server) {}, 2},
		"is none that was taken back":           {func(t *testing.T, s *gittest.Server) { rollback(t, back(s, "")); next(t, s, 4) }, 2},
		"is none that was jumped over":          {func(t *testing.T, s *gittest.Server) { rollback(t, back(s, digest(1))); next(t, s, 4) }, 1},
		"is none that is rejected":              {func(t *testing.T, s *gittest.Server) { reject(t, s, 2) }, 1},
		"is what was promoted, before a deploy": {func(t *testing.T, s *gittest.Server) { put(t, s, application("production", "web", 9, nil)) }, 3},
		"is a deploy that a promotion has found": {func(t *testing.T, s *gittest.Server) {
			put(t, s, application("production", "web", 9, nil))
			next(t, s, 4)
		}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			s := promoted(t, 1, 2, 3)
			c.prepare(t, s)
			if r := rollback(t, back(s, "")); r.Digest != digest(c.want) || !r.Changed {
				t.Errorf("went back to %s, want %s", r.Digest, digest(c.want))
			}
		})
	}
}

func TestRollbacksThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		images []int
		spoil  func(*testing.T, *gittest.Server, *promote.RollbackOptions)
		kind   fault.Kind
		words  []string
	}{
		"a rejected digest":           {[]int{1, 2}, func(t *testing.T, s *gittest.Server, o *promote.RollbackOptions) { reject(t, s, 1); o.To = digest(1) }, fault.Gate, []string{"is rejected in project shop: it leaks (by Eve, 2026-03-01T12:00:00Z)"}},
		"nothing left to go to":       {[]int{1, 2}, func(t *testing.T, s *gittest.Server, _ *promote.RollbackOptions) { reject(t, s, 1) }, fault.Input, []string{"no earlier release of web that is good: neither rejected nor seen to fail"}},
		"nothing before":              {[]int{1}, nil, fault.Input, []string{"no earlier release"}},
		"a digest that was not there": {[]int{1, 2}, func(_ *testing.T, _ *gittest.Server, o *promote.RollbackOptions) { o.To = digest(7) }, fault.Input, []string{"is not in the history", digest(2) + ", " + digest(1)}},
		"an image that no longer verifies": {[]int{1, 2}, func(_ *testing.T, _ *gittest.Server, o *promote.RollbackOptions) { o.Verify = unsigned }, fault.Gate,
			[]string{"no signature"}},
		"an environment without it": {[]int{1}, func(_ *testing.T, _ *gittest.Server, o *promote.RollbackOptions) { o.Environment = "acceptance" }, fault.Input, []string{"not deployed in acceptance"}},
		"an edit by hand": {[]int{1, 2}, func(t *testing.T, s *gittest.Server, _ *promote.RollbackOptions) {
			s.Commit(t, "main", "edit", map[string]string{productionPath: s.File(t, "main", productionPath) + "\n# a note"})
		}, fault.Failed, []string{"somebody edited the file", "--force", "-# a note"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := promoted(t, c.images...)
			o := back(s, "")
			if c.spoil != nil {
				c.spoil(t, s, &o)
			}
			head := s.Head(t, "main")
			_, err := promote.Rollback(t.Context(), o)
			refused(t, nil, err, c.kind, c.words...)
			if s.Head(t, "main") != head {
				t.Error("the branch moved")
			}
		})
	}
}

func TestAHistoryThatWasTamperedWithIsNoWayBack(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"the values' digest":  {"        digest: " + digest(1), "        digest: " + digest(9), "entry 1: its values have another image than it says"},
		"the image":           {"image: " + image(1), "image: " + image(9), "entry 1: its values have another image than it says"},
		"the entry's digest":  {"  digest: " + digest(1), "  digest: " + digest(9), "entry 1: it has another digest than its release"},
		"the chart's version": {"version: 0.1.0", "version: '*'", "entry 1: chart version \"*\" is not an exact version"},
	} {
		t.Run(name, func(t *testing.T) {
			s := promoted(t, 1, 2)
			tampered := strings.Replace(s.File(t, "main", historyPath), c.old, c.new, 1)
			s.Commit(t, "main", "tamper", map[string]string{historyPath: tampered})
			_, err := promote.Rollback(t.Context(), back(s, ""))
			refused(t, nil, err, fault.Failed, historyPath+" in the repository is damaged", c.want, "revert")
		})
	}
}

func TestARollbackThatComesSecondTakesBackNothing(t *testing.T) {
	s := promoted(t, 1, 2)
	put(t, s, application("staging", "web", 3, nil))
	o := back(s, "")
	s.BeforePush(func() { run(t, options(t, s)) })
	_, err := promote.Rollback(t.Context(), o)
	refused(t, nil, err, fault.Failed, "web of production changed meanwhile (the last promotion there is to 000300000000, by Jane)", "nothing was done")
	if entries := history(t, s, "production"); entries[len(entries)-1].Digest != digest(3) {
		t.Errorf("%+v", entries)
	}
}
