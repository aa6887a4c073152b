package preview_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/steps/preview"
)

func TestOldPreviewsExpireAndComeBackWhenSomebodyPushes(t *testing.T) {
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			s, g := forgetest.Start(t, forgetest.Options{}), gittest.Start(t, gittest.Options{})
			on := enable(t, g, kind)
			enabled(t, on)
			for _, branch := range []string{"preview/web/old", "preview/web/new", "feature/old"} {
				n := s.Open(branch, "x")
				if strings.HasSuffix(branch, "old") {
					s.Updated(n, time.Now().Add(-100*time.Hour))
				}
			}
			o := preview.PruneOptions{Of: of(s, kind), MaxAge: 72 * time.Hour, Repository: repository(g), DryRun: true}
			prune := func(want []int, changed bool) {
				t.Helper()
				p, err := preview.Prune(t.Context(), o)
				if err != nil || p.Changed != changed || (p.Commit != "") != (changed && !o.DryRun) {
					t.Errorf("%+v, %v", p, err)
				}
				if diff := cmp.Diff(want, p.Expired); diff != "" {
					t.Error(diff)
				}
			}
			prune([]int{1}, true)
			if n := g.Commits(t, "main"); n != 1 {
				t.Errorf("a dry run made %d commits", n)
			}
			o.DryRun = false
			prune([]int{1}, true)
			prune([]int{1}, false)
			file := g.File(t, "main", path) + "\n"
			left, err := gitops.Expired([]byte(file))
			if err != nil || len(left) != 1 || !gitops.Sealed([]byte(file)) {
				t.Errorf("%v, %v\n%s", left, err, file)
			}
			if e := enabled(t, on); e.Changed { // with the same bytes, and without forgetting
				t.Errorf("enabled again: %+v", e)
			}
			s.Push("preview/web/old")
			prune([]int{}, true)
			if e := enabled(t, on); e.Changed {
				t.Errorf("back again: %+v", e)
			}
		})
	}
}

func TestWhatPruneNeeds(t *testing.T) {
	s, g := forgetest.Start(t, forgetest.Options{}), gittest.Start(t, gittest.Options{})
	good := preview.PruneOptions{Of: of(s, forge.GitHub), MaxAge: time.Hour, Repository: repository(g)}
	for name, c := range map[string]struct {
		spoil func(*preview.PruneOptions)
		want  string
	}{
		"no project":                {func(o *preview.PruneOptions) { o.Project = "" }, "project name"},
		"an app with a slash":       {func(o *preview.PruneOptions) { o.App = "a/b" }, "application name"},
		"an age without repository": {func(o *preview.PruneOptions) { o.Repository.URL = "" }, "give --repository"},
		"neither age nor cluster":   {func(o *preview.PruneOptions) { o.MaxAge = 0 }, "--kubeconfig-file"},
		"a negative age":            {func(o *preview.PruneOptions) { o.MaxAge = -1 }, "greatest age"},
		"no previews":               {func(*preview.PruneOptions) {}, "pave preview enable"},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			c.spoil(&o)
			_, err := preview.Prune(t.Context(), o)
			if fault.KindOf(err) != fault.Input || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an input error with %q", err, c.want)
			}
		})
	}
}

func TestTheCommentTellsWhereThePreviewIs(t *testing.T) {
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			s := forgetest.Start(t, forgetest.Options{})
			n := s.Open("preview/web/x", "x")
			o := preview.CommentOptions{Of: of(s, kind), Number: n, DryRun: true}
			comment := func(want bool) preview.Commented {
				t.Helper()
				c, err := preview.Comment(t.Context(), o)
				if err != nil || c.Changed != want {
					t.Errorf("%+v, %v", c, err)
				}
				return c
			}
			comment(false)
			o.DryRun = false
			comment(true)
			comment(false)
			s.Push("preview/web/x")
			comment(true)
			said := s.Comments(n)
			for _, word := range []string{"https://web-pr-1.previews.example.internal", s.Head("preview/web/x")[:12]} {
				if len(said) != 1 || !strings.Contains(said[0], word) {
					t.Errorf("comments %q, without %s", said, word)
				}
			}
			for branch, want := range map[string]string{"feature/x": "name the branch preview/web/TEXT", "preview/web/closed": "is closed"} {
				o.Number = s.Open(branch, "x")
				if want == "is closed" {
					s.Decline(o.Number)
				}
				if _, err := preview.Comment(t.Context(), o); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), want) || len(s.Comments(o.Number)) != 0 {
					t.Errorf("%s: %v", branch, err)
				}
			}
		})
	}
}

// TestAKilledCommentIsWrittenOnce kills the process at each of its requests.
func TestAKilledCommentIsWrittenOnce(t *testing.T) {
	for _, kind := range forge.Kinds() {
		s := forgetest.Start(t, forgetest.Options{})
		n := s.Open("preview/web/x", "x")
		run := errand{Comment: &preview.CommentOptions{Of: of(s, kind), Number: n}}
		for request := 1; request <= 3; request++ { // the pull request, its comments, the comment
			s.Push("preview/web/x")
			for _, hook := range []func(int, func()){s.Before, s.After} {
				killtest.Kill(t, run, func(kill func()) { hook(request, kill) })
				if _, err := run.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if said := s.Comments(n); len(said) != 1 || !strings.Contains(said[0], s.Head("preview/web/x")[:12]) {
					t.Errorf("%s, request %d: %q", kind, request, said)
				}
				s.Push("preview/web/x")
			}
		}
	}
}
