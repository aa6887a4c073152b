package promote_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/promote"
)

func TestAReleaseThatDoesNotBecomeHealthyIsTakenBack(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	before := s.File(t, "main", productionPath)
	c.sicken(2)
	o.Timeout = 3 * time.Minute
	r := fails(t, o, fault.Failed, "web of production: 000200000000 (commit ", ") did not become Healthy in 3m0s: "+illness,
		"it went back to 000100000000 (commit ", "which is Healthy; mend it and promote the new release, or this one once more with --again")
	rollback, promotion := s.Head(t, "main"), s.Git(t, "rev-parse", "main~1")
	if r.Commit != promotion || r.TakenBack == nil || r.TakenBack.Commit != rollback || !r.TakenBack.Healthy || r.TakenBack.Digest != digest(1) || r.TakenBack.Rejected {
		t.Errorf("%+v, %+v", r, r.TakenBack)
	}
	if len(r.Rollout.Problems) != 1 || r.Rollout.Healthy {
		t.Errorf("%+v", r.Rollout)
	}
	if after := s.File(t, "main", productionPath); after != before {
		t.Errorf("production is not as it was:\n%s", after)
	}
	entries := history(t, s, "production")
	last := entries[len(entries)-1]
	if digests(entries) != "promote 1, promote 2, rollback 1" || !last.Automatic || last.Reason != "did not become Healthy in 3m0s: "+illness || !entries[1].Unwell {
		t.Errorf("%s: %+v", digests(entries), last)
	}
	var said strings.Builder
	r.Summary(&said)
	for _, line := range []string{"failed    shop-production-web in namespace", "commit    " + promotion, "problem   " + illness, "back to   " + image(1) + ", Healthy\ncommit    " + rollback} {
		if !strings.Contains(said.String(), line) {
			t.Errorf("it does not say %q:\n%s", line, &said)
		}
	}
}

func TestASecondRunOfWhatWasTakenBackEndsAsTheFirst(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	c.sicken(2)
	first := fails(t, o, fault.Failed, "did not become Healthy")
	head := s.Head(t, "main")
	second := fails(t, o, fault.Failed, "000200000000 (commit "+first.Commit+") did not become Healthy", "it went back to 000100000000 (commit "+head+"), which is Healthy")
	if second.TakenBack == nil || second.Digest != digest(2) || second.TakenBack.Digest != digest(1) || s.Head(t, "main") != head {
		t.Errorf("%+v", second)
	}

	o.Wait, o.Timeout = false, 0
	_, err := promote.Run(t.Context(), o)
	refused(t, nil, err, fault.Gate, "000200000000 of web was taken back from production at ", "did not become Healthy", "--again")
	o.Again = true
	c.cure(2)
	if r := run(t, o); !r.Changed || r.Digest != digest(2) {
		t.Errorf("again: %+v", r)
	}
}

func TestOtherValuesAreAnotherRelease(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	c.sicken(2)
	fails(t, o, fault.Failed, "did not become Healthy")
	c.cure(2)
	o.ValuesFile = file(t, "environment: production\nreplicas: 9\n")
	if r := run(t, o); !r.Changed || digests(history(t, s, "production")) != "promote 1, promote 2, rollback 1, promote 2" {
		t.Errorf("%+v", r)
	}
}

func TestWhatWasTakenBackCanBeRejected(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	c.sicken(2)
	o.RejectFailed = true
	r := fails(t, o, fault.Failed, "it went back to 000100000000")
	if !r.TakenBack.Rejected || !strings.Contains(s.File(t, "main", "apps/shop/rejected.yaml"), "reason: 'web in production: it did not become Healthy in 10m0s: Pod") {
		t.Errorf("%+v", r.TakenBack)
	}
	fails(t, o, fault.Gate, digest(2)+" is rejected in project shop")
	if n := s.Commits(t, "main"); n != 6 {
		t.Errorf("%d commits", n)
	}
}

func TestWhoSaysSoKeepsWhatFailed(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	c.sicken(2)
	o.KeepFailed = true
	r := fails(t, o, fault.Failed, "Application shop-production-web: still waiting", "kubectl describe application")
	if r.TakenBack != nil || r.Rollout == nil || digests(history(t, s, "production")) != "promote 1, promote 2" {
		t.Errorf("%+v", r)
	}
}

func TestARolloutThatWaitsForAPersonIsNotTakenBack(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	c.paused = true
	r := fails(t, o, fault.Failed, "Application shop-production-web: it cannot become Healthy")
	if r.TakenBack != nil || digests(history(t, s, "production")) != "promote 1, promote 2" {
		t.Errorf("%+v", r)
	}
	c.paused = false
	if r := run(t, o); r.Changed || !r.Rollout.Healthy {
		t.Errorf("when it went on: %+v", r)
	}
}

func TestTheFirstReleaseHasNothingToGoBackTo(t *testing.T) {
	s, c, o := onTheWay(t, 1)
	c.sicken(1)
	r := fails(t, o, fault.Failed, "did not become Healthy", "it could not be taken back: production has no earlier release of web that is good", "pave promote history")
	if r.TakenBack.Digest != "" || r.TakenBack.Commit != "" || digests(history(t, s, "production")) != "promote 1" {
		t.Errorf("%+v", r.TakenBack)
	}
}

func TestAWayBackThatIsNotWellEither(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	c.sicken(2)
	c.during = func() { c.sicken(1) }
	r := fails(t, o, fault.Failed, "it went back to 000100000000 (commit ", "and then: Application shop-production-web: still waiting")
	if r.TakenBack.Healthy || digests(history(t, s, "production")) != "promote 1, promote 2, rollback 1" {
		t.Errorf("%+v", r.TakenBack)
	}
}

// TestTheWayBackLeadsToWhatWasGood has a release in between that nobody took back
// and that was seen to be ill.
func TestTheWayBackLeadsToWhatWasGood(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	c.sicken(2)
	o.KeepFailed = true
	fails(t, o, fault.Failed, "still waiting")
	c.set(func() { c.now = c.now.Add(time.Hour) })
	put(t, s, application("staging", "web", 3, nil))
	c.sicken(3)
	o.KeepFailed = false
	r := fails(t, o, fault.Failed, "it went back to 000100000000")
	if got := digests(history(t, s, "production")); got != "promote 1, promote 2, promote 3, rollback 1" || r.TakenBack.Digest != digest(1) {
		t.Errorf("%s, %+v", got, r.TakenBack)
	}
}

func TestWhatSomebodyDidMeanwhileIsNotTakenBack(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, s *gittest.Server){
		"a rollback":                func(t *testing.T, s *gittest.Server) { rollback(t, back(s, "")) },
		"a deploy of another image": func(t *testing.T, s *gittest.Server) { put(t, s, application("production", "web", 7, nil)) },
		"a deploy of the same, other values": func(t *testing.T, s *gittest.Server) {
			put(t, s, application("production", "web", 2, map[string]any{"replicas": 7}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, c, o := onTheWay(t, 2, 1)
			c.sicken(2)
			var head string
			c.during = func() {
				do(t, s)
				head = s.Head(t, "main")
			}
			r := fails(t, o, fault.Failed, "web of production is no longer followed, since it was changed meanwhile", "nothing was taken back")
			if s.Head(t, "main") != head || r.TakenBack != nil {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestAReasonFitsTheHistoryWhateverTheClusterSays(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	c.sicken(2)
	c.words = "x\nImage: evil\x1b[31m " + strings.Repeat("é", 1000)
	fails(t, o, fault.Failed, "it went back to 000100000000")
	reason := history(t, s, "production")[2].Reason
	if len(reason) > 500 || strings.ContainsAny(reason, "\n\x1b") || !strings.HasSuffix(reason, "…") {
		t.Errorf("%q", reason)
	}
	if m := s.Git(t, "log", "-1", "--format=%B", "main"); strings.Contains(m, "\nImage: evil") {
		t.Errorf("message: %s", m)
	}
}
