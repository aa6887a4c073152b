package mirror_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// noTagRemoval is a registry as many are: it removes manifests, not single tags.
func noTagRemoval(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete && !strings.Contains(r.URL.Path, "sha256:") {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func TestATagThatLeftTheListIsPruned(t *testing.T) {
	for name, target := range map[string]func(t *testing.T) *registrytest.Registry{
		"distribution": func(t *testing.T) *registrytest.Registry { return registrytest.Distribution(t, registrytest.Options{}) },
		"pave's own":   func(t *testing.T) *registrytest.Registry { return registrytest.New(t, registrytest.Options{}) },
		"no removal of tags": func(t *testing.T) *registrytest.Registry {
			return registrytest.Distribution(t, registrytest.Options{Wrap: noTagRemoval})
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := labOf(t, registrytest.New(t, registrytest.Options{}), target(t))
			l.push(t, "a:1", image(t, "linux/amd64", "one", 0))
			l.push(t, "a:2", image(t, "linux/amd64", "two", 0))
			l.list(t, "name: a, source: SOURCE/a, tags: ['1', '2']")
			l.approve(t)
			l.run(t)
			l.list(t, "name: a, source: SOURCE/a, tags: ['2']")

			if r := l.run(t); outcome(t, r, "a:1").State != mirror.Stale || at(t, l.target, "library/a:1") == "" {
				t.Fatalf("without --prune: %+v", r)
			}
			o := l.runOptions()
			o.Prune, o.DryRun = true, true
			if r, err := mirror.Run(t.Context(), o); err != nil || outcome(t, r, "a:1").State != mirror.WouldPrune || at(t, l.target, "library/a:1") == "" {
				t.Fatalf("dry run: %+v, %v", r, err)
			}
			// The lock keeps what is still there.
			if a := l.approve(t); len(a.Dropped) != 1 || a.Dropped[0].Kept == "" {
				t.Errorf("%+v", a)
			}
			o.DryRun = false
			if r, err := mirror.Run(t.Context(), o); err != nil || outcome(t, r, "a:1").State != mirror.Removed {
				t.Fatalf("%+v, %v", r, err)
			}
			if at(t, l.target, "library/a:1") != "" || at(t, l.target, "library/a:2") == "" {
				t.Error("not the one tag was removed")
			}
			if r, err := mirror.Run(t.Context(), o); err != nil || r.Count(mirror.Removed) != 0 {
				t.Errorf("the second time: %+v, %v", r, err)
			}
			if a := l.approve(t); len(a.Dropped) != 1 || a.Dropped[0].Kept != "" || !a.Changed {
				t.Errorf("%+v", a)
			}
			if _, ok := l.lock(t).Find("a", "1"); ok {
				t.Error("the lock still has it")
			}
		})
	}
}

func TestWhatIsSomebodyElsesIsNotPruned(t *testing.T) {
	l := newLab(t)
	l.push(t, "a:1", image(t, "linux/amd64", "one", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	l.approve(t)
	l.run(t)
	theirs := push(t, l.target, "library/a:1", image(t, "linux/amd64", "theirs", 0))
	l.push(t, "b:1", image(t, "linux/amd64", "b", 0))
	l.list(t, "name: b, source: SOURCE/b, tags: ['1']")
	o := l.runOptions()
	o.Prune = true
	r, err := mirror.Run(t.Context(), o)
	if err != nil || outcome(t, r, "a:1").State != mirror.Kept || at(t, l.target, "library/a:1") != theirs.String() {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOneTagOfTwoThatShareContentIsNotPrunedWithItsManifest(t *testing.T) {
	l := labOf(t, registrytest.New(t, registrytest.Options{}), registrytest.New(t, registrytest.Options{Wrap: noTagRemoval}))
	same := image(t, "linux/amd64", "same", 0)
	l.push(t, "a:1", same)
	l.push(t, "a:2", same)
	l.list(t, "name: a, source: SOURCE/a, tags: ['1', '2']")
	l.approve(t)
	l.run(t)
	l.list(t, "name: a, source: SOURCE/a, tags: ['2']")
	o := l.runOptions()
	o.Prune = true
	r, err := mirror.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "2 stands for the same content") || outcome(t, r, "a:1").State != mirror.Kept {
		t.Errorf("%+v, %v", r, err)
	}
	if at(t, l.target, "library/a:2") == "" {
		t.Error("the other tag is gone")
	}
}

func TestANewVersionTakesTheOldestApprovedOneAway(t *testing.T) {
	l := newLab(t)
	for _, v := range []string{"1.0.0", "1.1.0"} {
		l.push(t, "a:"+v, image(t, "linux/amd64", v, 0))
	}
	l.list(t, "name: a, source: SOURCE/a, versions: '^1', newest: 2")
	l.approve(t)
	l.run(t)
	l.push(t, "a:1.2.0", image(t, "linux/amd64", "1.2.0", 0))
	if r := l.plan(t); item(t, r, "a:1.0.0").Change != mirror.None || item(t, r, "a:1.2.0").Change != mirror.New {
		t.Errorf("before it is approved: %+v", r)
	}
	l.approve(t)
	if r := l.plan(t); item(t, r, "a:1.0.0").Change != mirror.Left {
		t.Errorf("after: %+v", r)
	}
	if lock := l.lock(t); len(lock.Approved) != 3 || lock.Approved[0].Tag != imagelist.Tag("1.0.0") {
		t.Errorf("%+v", lock)
	}
}
