package promote_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/promote"
)

// onTheWay is a repository where production had the images, and staging has
// another, which is about to be promoted and followed.
func onTheWay(t testing.TB, n int, images ...int) (*gittest.Server, *cluster, promote.Options) {
	t.Helper()
	s := promoted(t, images...)
	put(t, s, application("staging", "web", n, nil))
	c := newCluster(t, s)
	return s, c, followed(t, s, c)
}

func TestAPromotionIsFollowedToHealthy(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	r := run(t, o)
	want := promote.Rollout{Healthy: true, HealthySince: c.since, Waited: "1m30s"}
	if r.Rollout == nil || r.Rollout.Healthy != want.Healthy || !r.Rollout.HealthySince.Equal(want.HealthySince) || r.Rollout.Waited != want.Waited || r.TakenBack != nil {
		t.Errorf("%+v", r.Rollout)
	}
	w := c.lastWant(t)
	if w.Name != "shop-production-web" || w.ContentHash != gitops.ContentHash([]byte(s.File(t, "main", productionPath)+"\n")) || w.Timeout != argocd.DefaultTimeout || w.Parent == "" {
		t.Errorf("%+v", w)
	}
	entries := history(t, s, "production")
	if last := entries[1]; !last.Until.Equal(noon.Add(10*time.Minute)) || !last.Healthy.IsZero() {
		t.Errorf("%+v", last)
	}
	if !entries[0].Healthy.Equal(c.since) {
		t.Errorf("what was there was looked at, and it is not written down: %+v", entries[0])
	}
	var said strings.Builder
	if r.Summary(&said); !strings.Contains(said.String(), "healthy   after 1m30s\n") || !strings.Contains(said.String(), "soak      staging is Healthy since 2026-03-01T11:00:00Z, 0s asked for\n") {
		t.Errorf("it says:\n%s", &said)
	}
}

func TestARolloutThatIsFollowedIsNotDisturbed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*cluster, *promote.Options)
		words []string // empty: it is promoted
	}{
		"with the cluster": {nil, []string{"the promotion of 000200000000 to production by Jane is still followed, until 2026-03-01T12:10:00Z at the latest: nothing was done; wait for it"}},
		"without the cluster": {func(_ *cluster, o *promote.Options) {
			o.ArgoCD, o.Wait = nil, false
			o.Time = noon.Add(9 * time.Minute)
		},
			[]string{"is still followed, until 2026-03-01T12:10:00Z"}},
		"by a clock that is wrong":  {func(_ *cluster, o *promote.Options) { o.Time = noon.Add(24 * time.Hour) }, []string{"is still followed"}},
		"but it is Healthy already": {func(c *cluster, _ *promote.Options) { c.cure(2) }, nil},
		"but its time is over":      {func(c *cluster, _ *promote.Options) { c.now = noon.Add(10 * time.Minute) }, nil},
		"but its time is over, without the cluster": {func(_ *cluster, o *promote.Options) {
			o.ArgoCD, o.Wait = nil, false
			o.Time = noon.Add(10 * time.Minute)
		}, nil},
		"but somebody insists": {func(_ *cluster, o *promote.Options) { o.Force = true }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, a, o := onTheWay(t, 2, 1)
			a.sicken(2)
			a.during = func() {
				put(t, s, application("staging", "web", 3, nil))
				o := followed(t, s, a)
				o.KeepFailed = true
				if c.spoil != nil {
					c.spoil(a, &o)
				}
				r, err := promote.Run(t.Context(), o)
				if c.words != nil {
					refused(t, nil, err, fault.Gate, c.words...)
				} else if err != nil || !r.Changed {
					t.Errorf("%+v, %v", r, err)
				}
			}
			r, err := promote.Run(t.Context(), o)
			switch got := digests(history(t, s, "production")); {
			case c.words != nil && got != "promote 1, promote 2, rollback 1":
				t.Errorf("%s, %+v, %v", got, r, err)
			case c.words == nil && got != "promote 1, promote 2, promote 3":
				t.Errorf("the first one took something back: %s, %v", got, err)
			case c.words == nil:
				refused(t, nil, err, fault.Failed, "web of production is no longer followed, since it was changed meanwhile (the last promotion there is to 000300000000, by Jane): nothing was taken back")
			}
		})
	}
}

func TestAClusterThatIsLostOnTheWayTellsNothing(t *testing.T) {
	s, c, o := onTheWay(t, 2, 1)
	c.during = func() { panic(http.ErrAbortHandler) }
	r := fails(t, o, fault.Failed, "the cluster does not answer")
	if r.TakenBack != nil || !r.Changed || digests(history(t, s, "production")) != "promote 1, promote 2" {
		t.Errorf("%+v", r)
	}
	if r := run(t, o); r.Changed || !r.Rollout.Healthy {
		t.Errorf("once more: %+v", r)
	}
}

func TestARunThatFindsItsReleaseThereWaitsAsLongAsTheFirst(t *testing.T) {
	for name, c := range map[string]struct {
		later, want time.Duration
	}{
		"some time is left":                  {4 * time.Minute, 6 * time.Minute},
		"none is left, but for one look":     {time.Hour, 30 * time.Second},
		"the cluster's clock went backwards": {-time.Minute, 11 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			s, a, o := onTheWay(t, 2, 1)
			run(t, o)
			a.set(func() { a.now = noon.Add(c.later) })
			if r := run(t, o); r.Changed || r.Rollout == nil || a.lastWant(t).Timeout != c.want {
				t.Errorf("%+v, waited for %s", r, a.lastWant(t).Timeout)
			}
			if n := len(history(t, s, "production")); n != 2 {
				t.Errorf("%d entries", n)
			}
		})
	}
}

func TestAReleaseMustStayHealthy(t *testing.T) {
	for name, c := range map[string]struct {
		then  func(c *cluster) // when it was Healthy once, and time went by
		taken bool
	}{
		"and does":                   {func(*cluster) {}, false},
		"and falls ill":              {func(c *cluster) { c.sicken(2) }, true},
		"and was replaced by itself": {func(c *cluster) { c.set(func() { c.since = c.now.Add(-20 * time.Millisecond) }) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, a, o := onTheWay(t, 2, 1)
			o.Steady = time.Hour + 10*time.Millisecond
			a.during = func() {
				a.during = func() {
					a.set(func() { a.now = a.now.Add(time.Minute) })
					c.then(a)
					a.during = func() { a.set(func() { a.now = a.now.Add(2 * time.Hour) }) }
				}
			}
			r, err := promote.Run(t.Context(), o)
			switch {
			case c.taken:
				refused(t, nil, err, fault.Failed, "did not become Healthy in 1h10m0s", "it went back to 000100000000")
			case err != nil || !r.Rollout.Healthy:
				t.Errorf("%+v, %v", r, err)
			}
			if last := history(t, s, "production")[1]; !last.Until.Equal(noon.Add(10*time.Minute + o.Steady).Truncate(time.Nanosecond)) {
				t.Errorf("until %s", last.Until)
			}
		})
	}
}

func TestARollbackIsFollowedToo(t *testing.T) {
	s := promoted(t, 1, 2)
	c := newCluster(t, s)
	o := back(s, "")
	o.ArgoCD, o.Wait = remote(c.URL), true
	if r := rollback(t, o); !r.Changed || r.Rollout == nil || !r.Rollout.Healthy {
		t.Errorf("%+v", r)
	}
	c.sicken(1)
	r, err := promote.Rollback(t.Context(), o)
	refused(t, nil, err, fault.Failed, "Application shop-production-web: still waiting")
	if r.Changed || r.Rollout == nil || r.TakenBack != nil || digests(history(t, s, "production")) != "promote 1, promote 2, rollback 1" {
		t.Errorf("%+v", r)
	}
}

func TestAWayBackIsNotBarredByAClusterThatDoesNotAnswer(t *testing.T) {
	s := promoted(t, 1, 2)
	c := newCluster(t, s)
	c.down = true
	o := back(s, "")
	o.ArgoCD, o.Wait = remote(c.URL), true
	r, err := promote.Rollback(t.Context(), o)
	refused(t, nil, err, fault.Failed, "the cluster does not answer")
	if !r.Changed || digests(history(t, s, "production")) != "promote 1, promote 2, rollback 1" {
		t.Errorf("%+v", r)
	}
}

func TestAnImageThatIsDeletedAfterItWasVerifiedIsNotPromoted(t *testing.T) {
	s := start(t, gittest.Options{})
	o := options(t, s)
	o.Present = func(context.Context, string) (bool, error) { return false, nil }
	_, err := promote.Run(t.Context(), o)
	refused(t, s, err, fault.Failed, image(1)+" was deleted from its registry after it was verified: nothing was done")
}
