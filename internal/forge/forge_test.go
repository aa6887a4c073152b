package forge_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
)

// onEach runs the test on every kind of forge, each with a server of its own.
func onEach(t *testing.T, o forgetest.Options, test func(t *testing.T, s *forgetest.Server, c *forge.Client)) {
	t.Helper()
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := forgetest.Start(t, o)
			test(t, s, client(t, s.Forge(kind)))
		})
	}
}

func client(t *testing.T, o forge.Options) *forge.Client {
	t.Helper()
	c, err := forge.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheOpenOnesAreListedWhole(t *testing.T) {
	onEach(t, forgetest.Options{PageLength: 2}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
		for i := range 7 {
			s.Open(fmt.Sprintf("preview/web/%d", i), "a change")
		}
		s.Merge(2)
		s.Decline(3)
		s.OpenFork("preview/web/evil", "a gift", strings.Repeat("e", 40))
		all, err := c.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		when := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
		for _, p := range all {
			s.Updated(p.Number, when)
		}
		if all, err = c.List(t.Context()); err != nil {
			t.Fatal(err)
		}
		var numbers []int
		for _, p := range all {
			numbers = append(numbers, p.Number)
			want := forge.PullRequest{
				Number: p.Number, Title: "a change", Branch: fmt.Sprintf("preview/web/%d", p.Number-1), Target: "main",
				Head: p.Head, Author: "jane", URL: p.URL, State: forge.Open, Updated: when,
			}
			if p.Fork {
				want.Title, want.Branch, want.Author, want.Fork = "a gift", "preview/web/evil", "mallory", true
			} else if !forge.SameCommit(p.Head, s.Head(p.Branch)) {
				t.Errorf("head %s of %s, which is %s", p.Head, p.Branch, s.Head(p.Branch))
			}
			p.Updated = p.Updated.UTC()
			if p != want || !strings.HasPrefix(p.URL, s.URL+"/") {
				t.Errorf("got %+v, want %+v", p, want)
			}
		}
		if fmt.Sprint(numbers) != "[8 7 6 5 4 1]" {
			t.Errorf("listed %v", numbers)
		}
	})
}

func TestFindKnowsBranchAndTargetAndNoForks(t *testing.T) {
	onEach(t, forgetest.Options{}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
		branch := `a"b\c`
		s.OpenFork("promote/web", "a gift", strings.Repeat("e", 40))
		s.Open(branch, "odd")
		for name, want := range map[string]int{"promote/web": 0, branch: 2, "nothing": 0} {
			found, err := c.Find(t.Context(), name, "main")
			if err != nil || (found == nil) != (want == 0) || found != nil && found.Number != want {
				t.Errorf("%s: %+v, %v", name, found, err)
			}
		}
		if found, err := c.Find(t.Context(), branch, "release"); err != nil || found != nil {
			t.Errorf("another target: %+v, %v", found, err)
		}
	})
}

func TestAPullRequestIsOpenedOnceAndKeptUpToDate(t *testing.T) {
	onEach(t, forgetest.Options{}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
		s.Push("promote/web")
		d := forge.Draft{Branch: "promote/web", Target: "main", Title: "Promote web", Description: "sha256:1"}
		p, created, err := c.Create(t.Context(), d)
		if err != nil || !created || p.Number != 1 || p.State != forge.Open || p.Title != d.Title || p.Description != d.Description {
			t.Fatalf("%+v, %t, %v", p, created, err)
		}
		writes := func() int { return s.Count("POST ") + s.Count("PUT ") + s.Count("PATCH ") }
		before := writes()
		if p, created, err = c.Create(t.Context(), d); err != nil || created || p.Number != 1 || writes() != before {
			t.Errorf("again: %+v, %t, %v", p, created, err)
		}
		d.Description = "sha256:2"
		if p, created, err = c.Create(t.Context(), d); err != nil || created || p.Number != 1 || p.Description != "sha256:2" {
			t.Errorf("with other words: %+v, %t, %v", p, created, err)
		}
		if p, err = c.Update(t.Context(), 1, "Promote web to production", "x"); err != nil || p.Title != "Promote web to production" {
			t.Errorf("update: %+v, %v", p, err)
		}
		if title, text := s.Title(1); title != "Promote web to production" || text != "x" || s.Pulls() != 1 {
			t.Errorf("%d pull requests, %q, %q", s.Pulls(), title, text)
		}
		s.Merge(1)
		s.Push("promote/web")
		if p, created, err = c.Create(t.Context(), d); err != nil || !created || p.Number != 2 {
			t.Errorf("after a merge: %+v, %t, %v", p, created, err)
		}
	})
}

func TestAPullRequestIsClosedOnce(t *testing.T) {
	onEach(t, forgetest.Options{}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
		s.Open("one", "1")
		s.Open("two", "2")
		s.Merge(2)
		for n, want := range map[int]bool{1: true, 2: false} {
			if closed, err := c.Close(t.Context(), n); err != nil || closed != want {
				t.Errorf("%d: %t, %v", n, closed, err)
			}
		}
		if closed, err := c.Close(t.Context(), 1); err != nil || closed {
			t.Errorf("again: %t, %v", closed, err)
		}
		if s.State(1) != "closed" || s.State(2) != "merged" {
			t.Errorf("%s, %s", s.State(1), s.State(2))
		}
		if p, err := c.Get(t.Context(), 2); err != nil || p.State != forge.Merged {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err := c.Get(t.Context(), 3); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "request 3 of ") || !strings.Contains(err.Error(), "(404") {
			t.Errorf("one that never was: %v", err)
		}
	})
}

func TestACommentIsWrittenOnceAndKeptUpToDate(t *testing.T) {
	onEach(t, forgetest.Options{PageLength: 2}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
		s.Open("one", "1")
		for range 5 {
			s.Say(1, "looks good")
		}
		comment := func(text string, want bool) {
			t.Helper()
			if wrote, err := c.Comment(t.Context(), 1, "preview", text); err != nil || wrote != want {
				t.Errorf("%q: %t, %v", text, wrote, err)
			}
		}
		comment("at https://one", true)
		comment("at https://one", false)
		comment("at https://two\n", true)
		comment("at https://two", false)
		want := "at https://two\n\n[//]: # (pave:preview)"
		if all := s.Comments(1); len(all) != 6 || all[5] != want {
			t.Errorf("comments %q", all)
		}
		s.Open("two", "2")
		s.Say(2, "mine!\n\n[//]: # (pave:preview)") // somebody copies the mark
		for range 2 {
			if _, err := c.Comment(t.Context(), 2, "preview", "at https://two"); err != nil {
				t.Error(err)
			}
		}
		if all := s.Comments(2); len(all) != 2 || all[1] != want {
			t.Errorf("beside a copied mark: %q", all)
		}
	})
}

func TestDataCenterKeepsTheReviewersAndGetsOverAStaleVersion(t *testing.T) {
	s := forgetest.Start(t, forgetest.Options{})
	c := client(t, s.Forge(forge.BitbucketDataCenter))
	n := s.Open("one", "1")
	s.Review(n, "eve")
	s.Before(2, func() { s.Touch(n) }) // between the reading and the change
	if p, err := c.Update(t.Context(), n, "new", ""); err != nil || p.Title != "new" {
		t.Errorf("%+v, %v", p, err)
	}
	if r := s.Reviewers(n); fmt.Sprint(r) != "[eve]" {
		t.Errorf("reviewers %v", r)
	}
	s.Before(3, func() { s.Touch(n) })
	if closed, err := c.Close(t.Context(), n); err != nil || !closed {
		t.Errorf("%t, %v", closed, err)
	}
}

func TestManyAtOnceOpenOnePullRequest(t *testing.T) {
	onEach(t, forgetest.Options{}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
		s.Push("promote/web")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if p, _, err := c.Create(t.Context(), forge.Draft{Branch: "promote/web", Target: "main", Title: "one"}); err != nil || p.Number != 1 {
					t.Errorf("%+v, %v", p, err)
				}
			})
		}
		all.Wait()
		if s.Pulls() != 1 {
			t.Errorf("%d pull requests", s.Pulls())
		}
	})
}
