package promote_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/promote"
)

const proposal = "pave/promote/shop/web/production"

// hub is a forge with the branches of a Git server.
type hub struct {
	*forgetest.Server
	git *gittest.Server
}

func newHub(t testing.TB, s *gittest.Server) *hub {
	h := &hub{forgetest.New(forgetest.Options{Project: "platform", Repository: "gitops"}), s}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for line := range strings.Lines(s.Git(t, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads")) {
			branch, commit, _ := strings.Cut(strings.TrimSpace(line), " ")
			h.PushCommit(branch, commit)
		}
		h.ServeHTTP(w, r)
	}))
	h.URL = server.URL
	h.TokenFile = filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(h.TokenFile, []byte(h.Token), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Close()
		for _, m := range h.Misuses() {
			t.Errorf("misuse of the forge's API: %s", m)
		}
	})
	return h
}

func (h *hub) options(kind forge.Kind) forge.Options {
	return forge.Options{Kind: kind, URL: h.API(kind), Project: "platform", Repository: "gitops", Token: secret.Source{File: h.TokenFile}}
}

func (h *hub) client(t testing.TB, kind forge.Kind) *forge.Client {
	t.Helper()
	c, err := forge.New(h.options(kind))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// merge does what the forge's button does.
func (h *hub) merge(t testing.TB, number int) {
	t.Helper()
	head := h.git.Head(t, proposal)
	if h.git.Git(t, "merge-base", "main", proposal) != h.git.Head(t, "main") {
		t.Fatal("it cannot be merged just so")
	}
	h.git.Git(t, "update-ref", "refs/heads/main", head)
	h.Merge(number)
}

// offered is a protected repository with image 1 of web in staging, and a promotion
// that is to be offered.
func offered(t testing.TB, kind forge.Kind) (*gittest.Server, *hub, promote.Options) {
	t.Helper()
	s := gittest.Start(t, gittest.Options{Auth: true, Protect: []string{"main"}})
	put(t, s, application("staging", "web", 1, nil))
	h := newHub(t, s)
	o := options(t, s)
	o.PullRequests = h.client(t, kind)
	return s, h, o
}

func TestAPromotionAsAPullRequest(t *testing.T) {
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			s, h, o := offered(t, kind)
			a := newCluster(t, s)
			o.ArgoCD, o.Soak = remote(a.URL), soak(time.Minute)
			base := s.Head(t, "main")
			r := run(t, o)
			if !r.Changed || r.PullRequest == nil || !r.PullRequest.Opened || r.PullRequest.Branch != proposal || r.Commit != s.Head(t, proposal) || s.Head(t, "main") != base {
				t.Fatalf("%+v, %+v", r, r.PullRequest)
			}
			title, body := h.Title(1)
			if title != "promote(shop/production): web 000100000000" {
				t.Errorf("title: %s", title)
			}
			for _, part := range []string{"| image | `–` |", image(1), "Verified: `signature, spdx`", "Healthy: `staging since 2026-03-01T11:00:00Z, 1m0s asked for`", "Differs from staging: `replicas`", "```diff\n--- /dev/null", "+        replicas: 3"} {
				if !strings.Contains(strings.ReplaceAll(body, "| image | – |", "| image | `–` |"), part) {
					t.Errorf("the description lacks %q:\n%s", part, body)
				}
			}

			a.set(func() { a.now = a.now.Add(time.Hour) })
			o.Time = noon.Add(time.Hour)
			o.By = "Joe"
			again := run(t, o)
			if again.Changed || again.PullRequest == nil || again.PullRequest.Opened || again.Commit != r.Commit || h.Pulls() != 1 {
				t.Errorf("again: %+v, %+v, %d pull requests", again, again.PullRequest, h.Pulls())
			}

			h.merge(t, 1)
			merged := run(t, o)
			if merged.Changed || merged.PullRequest != nil || h.Pulls() != 1 || digests(history(t, s, "production")) != "promote 1" {
				t.Errorf("merged: %+v, %d pull requests", merged, h.Pulls())
			}
			o.PullRequests, o.Soak, o.Wait = nil, nil, true
			if r := run(t, o); r.Changed || r.Rollout == nil || !r.Rollout.Healthy {
				t.Errorf("followed after the merge: %+v", r)
			}
		})
	}
}

func TestAPullRequestFollowsItsSource(t *testing.T) {
	s, h, o := offered(t, forge.BitbucketCloud)
	run(t, o)
	put(t, s, application("staging", "web", 2, nil))
	r := run(t, o)
	title, _ := h.Title(1)
	if !r.Changed || r.PullRequest.Opened || h.Pulls() != 1 || title != "promote(shop/production): web 000200000000" {
		t.Errorf("%+v, %s", r, title)
	}
	if files := s.Git(t, "diff", "--name-only", "main..."+proposal); files != productionPath+"\n"+historyPath {
		t.Errorf("the pull request changes\n%s", files)
	}
	if n := strings.Count(s.File(t, proposal, historyPath), "action:"); n != 1 {
		t.Errorf("%d entries", n)
	}
	var said strings.Builder
	if r.Summary(&said); !strings.Contains(said.String(), "proposed anew shop-production-web") || !strings.Contains(said.String(), "pull req. "+h.URL) {
		t.Errorf("it says:\n%s", &said)
	}
}

func TestAPullRequestKeepsUpWithItsTarget(t *testing.T) {
	s, h, o := offered(t, forge.GitHub)
	put(t, s, application("production", "web", 7, nil))
	run(t, o)
	put(t, s, application("production", "web", 8, nil))
	r := run(t, o)
	if !r.Changed || h.Pulls() != 1 || r.Previous != digest(8) || strings.Contains(s.File(t, proposal, historyPath), digest(7)) {
		t.Errorf("%+v", r)
	}
	s.Commit(t, "main", "another", map[string]string{"apps/shop/staging/api/x": "x"})
	if r := run(t, o); r.Changed {
		t.Errorf("a commit about something else: %+v", r)
	}
	a := newCluster(t, s)
	o.ArgoCD = remote(a.URL)
	run(t, o)
	a.set(func() { a.since = a.since.Add(time.Minute) })
	if r := run(t, o); r.Changed {
		t.Errorf("when production was restarted: %+v", r)
	}
}

func TestAPullRequestThatDoesNotStandAnyMoreSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, s *gittest.Server, a *cluster, o *promote.Options)
		word  string
	}{
		"it was rejected": {func(t *testing.T, s *gittest.Server, _ *cluster, _ *promote.Options) {
			s.Commit(t, "main", "reject", map[string]string{"apps/shop/rejected.yaml": "rejected:\n- {digest: '" + digest(1) + "', reason: it leaks, by: Eve, at: '2026-02-03T04:05:06Z'}\n"})
		}, "is rejected in project shop: it leaks"},
		"it does not verify": {func(_ *testing.T, _ *gittest.Server, _ *cluster, o *promote.Options) { o.Verify = unsigned }, "no signature"},
		"it is not Healthy any more": {func(_ *testing.T, _ *gittest.Server, a *cluster, _ *promote.Options) {
			a.alter = func(_ string, s *argocd.State) { s.Health = argocd.Degraded }
		}, "web of staging is not well: it is Synced and Degraded"},
	} {
		t.Run(name, func(t *testing.T) {
			s, h, o := offered(t, forge.BitbucketDataCenter)
			a := newCluster(t, s)
			o.ArgoCD = remote(a.URL)
			run(t, o)
			right := o
			c.spoil(t, s, a, &o)
			for range 2 {
				_, err := promote.Run(t.Context(), o)
				refused(t, nil, err, fault.Gate, "pull request "+h.URL, "does not stand any more: ", c.word)
			}
			title, body := h.Title(1)
			if title != "Does not stand: promote(shop/production): web 000100000000" || !strings.HasPrefix(body, "**This does not stand any more. Do not merge it.** ") ||
				strings.Count(body, "Do not merge it") != 1 || !strings.Contains(body, c.word) || !strings.Contains(body, "```diff") {
				t.Errorf("%s\n%s", title, body)
			}
			if c.word == "no signature" { // a passing trouble
				run(t, right)
				if title, body := h.Title(1); strings.Contains(title+body, "stand any more. Do not") || h.Pulls() != 1 {
					t.Errorf("it stands again, and says: %s\n%s", title, body)
				}
			}
		})
	}
}

func TestABaseThatMovesMeanwhileStopsAProposal(t *testing.T) {
	s, h, o := offered(t, forge.GitLab)
	s.BeforePush(func() { put(t, s, application("staging", "web", 2, nil)) })
	s.Fail(gittest.Busy)
	_, err := promote.Run(t.Context(), o)
	refused(t, nil, err, fault.Failed, "web of staging went from "+digest(1)+" to "+digest(2), "nothing was done")
	if h.Pulls() != 0 || s.Head(t, proposal) != "" {
		t.Errorf("%d pull requests", h.Pulls())
	}
}

func TestARollbackAsAPullRequest(t *testing.T) {
	s := promoted(t, 1, 2)
	h := newHub(t, s)
	o := back(s, "")
	o.PullRequests = h.client(t, forge.BitbucketCloud)
	head := s.Head(t, "main")
	r := rollback(t, o)
	if !r.Changed || r.PullRequest == nil || r.PullRequest.Branch != "pave/rollback/shop/web/production" || s.Head(t, "main") != head || r.Digest != digest(1) {
		t.Errorf("%+v", r)
	}
	if _, body := h.Title(1); !strings.Contains(body, "Reason: `errors`") {
		t.Errorf("%s", body)
	}
	if again := rollback(t, o); again.Changed || h.Pulls() != 1 {
		t.Errorf("again: %+v", again)
	}
}

func TestADryRunOpensNoPullRequest(t *testing.T) {
	s, h, o := offered(t, forge.GitHub)
	o.DryRun = true
	if r := run(t, o); !r.Changed || r.Diff == "" || r.PullRequest != nil || h.Pulls() != 0 || s.Pushes() != 0 {
		t.Errorf("%+v", r)
	}
}

func TestProposalsThatAreRefused(t *testing.T) {
	s, h, o := offered(t, forge.GitHub)
	a := newCluster(t, s)
	o.ArgoCD, o.Wait = remote(a.URL), true
	_, err := promote.Run(t.Context(), o)
	refused(t, s, err, fault.Input, "--wait follows what is committed, and --pull-request leaves that to people; run it again with --wait once the pull request is merged")
	o.ArgoCD, o.Wait = nil, false
	run(t, o)
	theirs := s.Commit(t, proposal, "a fix", map[string]string{"x": "x"})
	put(t, s, application("staging", "web", 2, nil))
	_, err = promote.Run(t.Context(), o)
	refused(t, nil, err, fault.Failed, "the newest commit on "+proposal+" is by Jane <jane@example.com>")
	if s.Head(t, proposal) != theirs || h.Pulls() != 1 {
		t.Error("it was overwritten")
	}
}

func TestWhatIsInAReleaseDoesNotBreakOutOfTheDescription(t *testing.T) {
	s, h, o := offered(t, forge.GitHub)
	o.ValuesFile = file(t, "evil: |\n  ```\n  # a heading\n  ````\n\"`|x\": 1\n")
	run(t, o)
	_, body := h.Title(1)
	if !strings.Contains(body, "`````diff\n") || !strings.HasSuffix(body, "`````\n") || !strings.Contains(body, "'¦x") {
		t.Errorf("%s", body)
	}
	o.ValuesFile = file(t, "long: |\n"+strings.Repeat("  a line of the values\n", 5000))
	run(t, o)
	if _, body := h.Title(1); len(body) > 32_000 || !strings.Contains(body, "more lines: see the changed files.") {
		t.Errorf("%d bytes", len(body))
	}
	_ = s
}

// TestAKilledProposalIsFinishedByRunningItAgain kills it at each call of the forge
// and around its push.
func TestAKilledProposalIsFinishedByRunningItAgain(t *testing.T) {
	for name, arm := range map[string]func(s *gittest.Server, h *hub, kill func()){
		"before the push":           func(s *gittest.Server, _ *hub, kill func()) { beforePush(s, 1, kill) },
		"after the push":            func(s *gittest.Server, _ *hub, kill func()) { afterPush(s, 1, kill) },
		"before the forge is asked": func(_ *gittest.Server, h *hub, kill func()) { h.Before(1, kill) },
		"after the forge was asked": func(_ *gittest.Server, h *hub, kill func()) { h.After(1, kill) },
		"before it is opened":       func(_ *gittest.Server, h *hub, kill func()) { h.Before(2, kill) },
		"after it is opened":        func(_ *gittest.Server, h *hub, kill func()) { h.After(2, kill) },
	} {
		t.Run("killed "+name, func(t *testing.T) {
			s, h, o := offered(t, forge.BitbucketCloud)
			options := h.options(forge.BitbucketCloud)
			e := errand{Promotion: &o, Forge: &options}
			killtest.Kill(t, e, func(kill func()) { arm(s, h, kill) })
			if _, err := e.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if h.Pulls() != 1 || h.State(1) != "open" || s.Commits(t, proposal) != 2 || s.Commits(t, "main") != 1 {
				t.Errorf("%d pull requests, %d commits", h.Pulls(), s.Commits(t, proposal))
			}
		})
	}
}
