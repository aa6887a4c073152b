package promote_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/promote"
)

func TestConcurrentPromotionsOfDifferentApplicationsAllLand(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	const apps = 20
	files := map[string]string{}
	for i := range apps {
		a := application("staging", fmt.Sprintf("web-%d", i), i, nil)
		files[a.Path()] = render(t, a)
	}
	s.Commit(t, "main", "deploy", files)
	var wg sync.WaitGroup
	for i := range apps {
		o := options(t, s)
		o.App = fmt.Sprintf("web-%d", i)
		wg.Go(func() {
			if r, err := promote.Run(t.Context(), o); err != nil || !r.Changed || r.Digest != digest(i) {
				t.Errorf("%s: %+v, %v", o.App, r, err)
			}
		})
	}
	wg.Wait()
	if n := s.Commits(t, "main"); n != apps+1 {
		t.Errorf("%d commits, want %d", n, apps+1)
	}
	if n := strings.Count(s.Git(t, "ls-tree", "-r", "--name-only", "main"), "/history.yaml"); n != apps {
		t.Errorf("%d histories, want %d", n, apps)
	}
}

// TestConcurrentPromotionsOfOneApplicationAreNeitherLostNorInterleaved lets 20
// promotions of one application, each with values of its own, and rollbacks meet:
// what landed is a chain, and who did not land was told.
func TestConcurrentPromotionsOfOneApplicationAreNeitherLostNorInterleaved(t *testing.T) {
	s := promoted(t, 1, 2)
	put(t, s, application("staging", "web", 3, nil))
	before := s.Commits(t, "main")
	var landed atomic.Int32
	var wg sync.WaitGroup
	count := func(r promote.Result, err error) {
		switch {
		case err == nil && r.Changed:
			landed.Add(1)
		case err != nil && (fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "changed meanwhile")):
			t.Error(err)
		}
	}
	for i := range 20 {
		o, b := options(t, s), back(s, "")
		o.ValuesFile = file(t, fmt.Sprintf("replicas: %d\n", 100+i))
		wg.Go(func() { count(promote.Run(t.Context(), o)) })
		if i%5 == 0 {
			wg.Go(func() { count(promote.Rollback(t.Context(), b)) })
		}
	}
	wg.Wait()
	if n := s.Commits(t, "main") - before; n != int(landed.Load()) || n == 0 {
		t.Errorf("%d commits, and %d were told that theirs landed", n, landed.Load())
	}
	entries := history(t, s, "production")
	if n := len(entries) - 2; n != int(landed.Load()) {
		t.Errorf("%d entries, and %d landed", n, landed.Load())
	}
	for i, e := range entries[1:] {
		if e.Previous != entries[i].Digest {
			t.Errorf("entry %d comes after %s, and says after %s", i+1, entries[i].Digest, e.Previous)
		}
	}
}

func TestTheSamePromotionTwiceAtOnceIsOneCommit(t *testing.T) {
	s := start(t, gittest.Options{})
	var changed atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		o := options(t, s)
		wg.Go(func() {
			r, err := promote.Run(t.Context(), o)
			if err != nil {
				t.Error(err)
			} else if r.Changed {
				changed.Add(1)
			}
		})
	}
	wg.Wait()
	if n := s.Commits(t, "main"); n != 2 || changed.Load() != 1 {
		t.Errorf("%d commits, %d said that they made one", n, changed.Load())
	}
}

func TestAPromotionThatWaitedDoesNotBringBackWhatWasTakenBack(t *testing.T) {
	s := promoted(t, 1)
	put(t, s, application("staging", "web", 2, nil))
	o := options(t, s)
	s.BeforePush(func() {
		run(t, o)
		rollback(t, back(s, ""))
	})
	_, err := promote.Run(t.Context(), o)
	refused(t, nil, err, fault.Failed, "changed meanwhile (the last rollback there is to 000100000000, by Jane)")
	if entries := history(t, s, "production"); len(entries) != 3 {
		t.Errorf("%+v", entries)
	}
}

func TestASourceThatChangesDuringThePromotionStopsIt(t *testing.T) {
	s := start(t, gittest.Options{})
	s.BeforePush(func() { put(t, s, application("staging", "web", 2, nil)) })
	_, err := promote.Run(t.Context(), options(t, s))
	refused(t, nil, err, fault.Failed, "web of staging went from "+digest(1)+" to "+digest(2), "nothing was done; look at what staging has now")
	if run(t, options(t, s)).Digest != digest(2) {
		t.Error("promoted again, it is the wrong one")
	}
}

func TestAPromotionOnABrokenConnectionLandsOnce(t *testing.T) {
	s := start(t, gittest.Options{})
	s.Fail(gittest.Busy, gittest.CutBefore, gittest.CutAfter)
	if r := run(t, options(t, s)); !r.Changed || r.Commit != s.Head(t, "main") || s.Commits(t, "main") != 2 || len(history(t, s, "production")) != 1 {
		t.Errorf("%+v", r)
	}
}
