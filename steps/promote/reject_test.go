package promote_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/promote"
)

func TestARejectionIsForEver(t *testing.T) {
	s := promoted(t, 1)
	first := reject(t, s, 1)
	want := promote.RejectResult{
		Rejection: gitops.Rejection{Digest: digest(1), Reason: "it leaks", By: "Eve", At: noon},
		Project:   "shop", Repository: s.URL, Branch: "main", Path: "apps/shop/rejected.yaml",
		Commit: s.Head(t, "main"), Changed: true, Attempts: 1, Running: []string{"production/web", "staging/web"},
	}
	if d := cmp.Diff(want, first); d != "" {
		t.Errorf("result (-want +got): %s", d)
	}
	golden(t, "rejected.yaml", s.File(t, "main", "apps/shop/rejected.yaml")+"\n")
	golden(t, "reject-message.txt", s.Git(t, "log", "-1", "--format=%B", "main")+"\n")

	again := promote.RejectOptions{Repository: common(s).Repository, Project: "shop", Digest: digest(1), Reason: "another reason"}
	second, err := promote.Reject(t.Context(), again)
	if err != nil || second.Changed || second.Reason != "it leaks" || second.By != "Eve" || second.Commit != first.Commit {
		t.Errorf("again: %+v, %v", second, err)
	}
	for _, dry := range []bool{false, true} {
		o := options(t, s)
		o.DryRun = dry
		_, err = promote.Run(t.Context(), o) // also where it runs already
		refused(t, nil, err, fault.Gate, "is rejected in project shop")
	}
	next(t, s, 2)
	var said strings.Builder
	if third := reject(t, s, 3); !third.Changed || third.Running != nil {
		t.Errorf("a second digest: %+v", third)
	}
	if first.Summary(&said); !strings.Contains(said.String(), "still in  production/web, staging/web") {
		t.Errorf("it says:\n%s", &said)
	}
}

func TestARejectionInADryRunPushesNothing(t *testing.T) {
	s := promoted(t, 1)
	pushes := s.Pushes()
	o := promote.RejectOptions{Repository: common(s).Repository, Project: "shop", Digest: digest(1), Reason: "x", DryRun: true}
	if r, err := promote.Reject(t.Context(), o); err != nil || !r.Changed || !r.DryRun || s.Pushes() != pushes {
		t.Errorf("%+v, %v, %d pushes", r, err, s.Pushes()-pushes)
	}
}

func TestRejectionsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*promote.RejectOptions)
		want  string
	}{
		"no reason":                      {func(o *promote.RejectOptions) { o.Reason = " " }, "needs a reason"},
		"a reason that forges a trailer": {func(o *promote.RejectOptions) { o.Reason = "x\nImage: evil" }, "--reason has a control character"},
		"an endless reason":              {func(o *promote.RejectOptions) { o.Reason = strings.Repeat("x", 501) }, "say it shorter"},
		"half a digest":                  {func(o *promote.RejectOptions) { o.Digest = "sha256:0123" }, "not a digest"},
		"a project that leaves":          {func(o *promote.RejectOptions) { o.Project = "../x" }, "project name"},
	} {
		t.Run(name, func(t *testing.T) {
			o := promote.RejectOptions{Repository: common(&gittest.Server{URL: "https://127.0.0.1:1/x.git"}).Repository, Project: "shop", Digest: digest(1), Reason: "x"}
			c.spoil(&o)
			_, err := promote.Reject(t.Context(), o)
			refused(t, nil, err, fault.Input, c.want)
		})
	}
}

func TestARejectionThatComesDuringAPromotionStopsIt(t *testing.T) {
	s := start(t, gittest.Options{})
	s.BeforePush(func() { reject(t, s, 1) })
	_, err := promote.Run(t.Context(), options(t, s))
	refused(t, nil, err, fault.Gate, "is rejected in project shop: it leaks")
	if n := strings.Count(s.Git(t, "ls-tree", "-r", "--name-only", "main"), "production"); n != 0 {
		t.Errorf("%d files in production", n)
	}
}

func TestTheHistoryTellsWhatRunsAndWhatIsRejected(t *testing.T) {
	s := promoted(t, 1, 2)
	rollback(t, back(s, ""))
	reject(t, s, 2)
	o := promote.HistoryOptions{Repository: common(s).Repository, Project: "shop", Environment: "production", App: "web"}
	r, err := promote.History(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Entries) != 3 || r.Entries[0].Running || !r.Entries[2].Running || r.Entries[1].Rejected == nil || r.Entries[2].Rejected != nil {
		t.Errorf("%+v", r.Entries)
	}
	var said strings.Builder
	r.Summary(&said)
	golden(t, "history.txt", said.String())
	o.App = "api"
	said.Reset()
	if r, err = promote.History(t.Context(), o); err != nil || len(r.Entries) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if r.Summary(&said); !strings.Contains(said.String(), "there is no apps/shop/production/api/history.yaml") {
		t.Errorf("it says:\n%s", &said)
	}
}
