package mirror_test

import (
	"context"
	"os"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

func TestOnlyWhatWasApprovedIsMirrored(t *testing.T) {
	for from, newSource := range kinds {
		for to, newTarget := range kinds {
			t.Run(from+" to "+to, func(t *testing.T) {
				l := labOf(t, newSource(t, registrytest.Options{}), newTarget(t, registrytest.Options{}))
				approved := l.push(t, "a:1", multi(t, "one", 0))
				l.list(t, "name: a, source: SOURCE/a, tags: ['1']", "name: sub/b, source: SOURCE/b, tags: ['1']")
				o := l.approveOptions()
				o.All, o.Refs = false, []string{"a"}
				if _, err := mirror.Approve(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				l.push(t, "a:1", multi(t, "two", 0)) // the tag moves before the run

				r := l.run(t)
				if got := outcome(t, r, "a:1"); got.State != mirror.Copied || !got.Signed {
					t.Errorf("a: %+v", got)
				}
				if got := outcome(t, r, "sub/b:1"); got.State != mirror.Unapproved {
					t.Errorf("b: %+v", got)
				}
				if got := at(t, l.target, "library/a:1"); got != approved.String() {
					t.Errorf("the target has %s, approved is %s", got, approved)
				}
				if n := l.signatures(t, "library/a", approved.String()); n != 1 {
					t.Errorf("%d signatures", n)
				}
				if again := outcome(t, l.run(t), "a:1"); again.State != mirror.Present {
					t.Errorf("the second run: %+v", again)
				}
			})
		}
	}
}

func TestANewApprovalMovesTheTag(t *testing.T) {
	l := newLab(t)
	first := l.push(t, "a:1", multi(t, "one", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	l.approve(t)
	l.run(t)
	second := l.push(t, "a:1", multi(t, "two", 0))
	if r := l.run(t); outcome(t, r, "a:1").State != mirror.Present || at(t, l.target, "library/a:1") != first.String() {
		t.Fatalf("a moved tag was followed: %+v", r)
	}
	if a := l.approve(t); len(a.Approved) != 1 || !a.Changed {
		t.Fatalf("%+v", a)
	}
	o := l.runOptions()
	o.DryRun = true
	dry, err := mirror.Run(t.Context(), o)
	must(t, err)
	if got := outcome(t, dry, "a:1"); got.State != mirror.WouldCopy || got.Replaces != first.String() || at(t, l.target, "library/a:1") != first.String() {
		t.Errorf("dry run: %+v", got)
	}
	l.run(t)
	if got := at(t, l.target, "library/a:1"); got != second.String() {
		t.Errorf("got %s, want %s", got, second)
	}
}

func TestPlatformsAreLeftOutAndTheIndexStaysValid(t *testing.T) {
	l := newLab(t)
	l.platforms = "linux/arm64"
	upstream := l.push(t, "a:1", multi(t, "one", 9)) // amd64 is bad, and not mirrored
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	l.approve(t)
	a, _ := l.lock(t).Find("a", "1")
	if a.Mirrored == "" || string(a.Digest) != upstream.String() || len(a.Platform) != 1 {
		t.Fatalf("lock: %+v", a)
	}
	l.run(t)
	if got := at(t, l.target, "library/a:1"); got != string(a.Mirrored) {
		t.Errorf("the target has %s, the lock says %s", got, a.Mirrored)
	}
	if got := outcome(t, l.run(t), "a:1"); got.State != mirror.Present {
		t.Errorf("the second run: %+v", got)
	}
	if i := item(t, l.plan(t), "a:1"); i.Change != mirror.None || i.AtTarget != mirror.Current {
		t.Errorf("plan: %+v", i)
	}
}

func TestTheGateSaysNo(t *testing.T) {
	l := newLab(t)
	l.push(t, "bad:1", multi(t, "bad", 4))
	l.push(t, "good:1", multi(t, "good", 3))
	l.list(t, "name: bad, source: SOURCE/bad, tags: ['1']", "name: good, source: SOURCE/good, tags: ['1']")
	a, err := mirror.Approve(t.Context(), l.approveOptions())
	if fault.KindOf(err) != fault.Gate || len(a.Approved) != 1 || len(a.Refused) != 1 || !strings.Contains(err.Error(), "bad:1: linux/amd64: 4 CRITICAL") {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, ok := l.lock(t).Find("bad", "1"); ok {
		t.Fatal("the lock has what was refused")
	}

	// A database that knows more by the time of the run.
	o := l.runOptions()
	o.Scan = func(ctx context.Context, img v1.Image, name string, _ map[string]int) (mirror.Scanned, error) {
		return scanLabels(ctx, img, name, map[string]int{"critical": 2})
	}
	r, err := mirror.Run(t.Context(), o)
	if fault.KindOf(err) != fault.Gate || outcome(t, r, "good:1").State != mirror.Refused || at(t, l.target, "library/good:1") != "" {
		t.Errorf("%+v, %v", r, err)
	}

	// Approved with a reason: it passes as long as it becomes no worse.
	withReason := l.approveOptions()
	withReason.Reason = "not reachable from outside"
	if _, err := mirror.Approve(t.Context(), withReason); err != nil {
		t.Fatal(err)
	}
	if a, _ := l.lock(t).Find("bad", "1"); a.Reason == "" || a.Scan.Critical != 4 {
		t.Errorf("%+v", a)
	}
	if a, _ := l.lock(t).Find("good", "1"); a.Reason != "" {
		t.Errorf("a reason where none was needed: %+v", a)
	}
	o.Scan = func(ctx context.Context, img v1.Image, name string, limits map[string]int) (mirror.Scanned, error) {
		s, err := scanLabels(ctx, img, name, limits)
		s.Counts["critical"]++
		return s, err
	}
	r, err = mirror.Run(t.Context(), o)
	if fault.KindOf(err) != fault.Gate || outcome(t, r, "bad:1").State != mirror.Refused || outcome(t, r, "good:1").State != mirror.Copied {
		t.Errorf("it became worse: %+v, %v", r, err)
	}
	if r := l.run(t); outcome(t, r, "bad:1").State != mirror.Copied {
		t.Errorf("%+v", r)
	}
}

func TestALockEditedByHandIsNotFollowed(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(l *lab, t *testing.T, a *imagelist.Approved)
		want string
	}{
		"a digest that nobody has": {func(_ *lab, _ *testing.T, a *imagelist.Approved) {
			a.Digest = imagelist.Digest("sha256:" + strings.Repeat("0", 64))
		}, "is not there any more"},
		"the digest of another image": {func(l *lab, t *testing.T, a *imagelist.Approved) {
			a.Digest = imagelist.Digest(l.push(t, "a:evil", multi(t, "evil-and-longer", 0)).String())
		}, "is not what was approved for a:1"},
		"another digest at the target": {func(_ *lab, _ *testing.T, a *imagelist.Approved) {
			a.Mirrored = imagelist.Digest("sha256:" + strings.Repeat("1", 64))
		}, "is not what was approved for a:1"},
		"a chart, so that nothing is scanned": {func(_ *lab, _ *testing.T, a *imagelist.Approved) {
			a.Kind = imagelist.Chart
		}, "is not what was approved for a:1"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.platforms = "linux/amd64"
			l.push(t, "a:1", multi(t, "one", 0))
			l.push(t, "b:1", multi(t, "b", 0))
			l.list(t, "name: a, source: SOURCE/a, tags: ['1']", "name: b, source: SOURCE/b, tags: ['1']")
			l.approve(t)
			lock := l.lock(t)
			a, _ := lock.Find("a", "1")
			c.edit(l, t, &a)
			lock.Put(a)
			if _, err := lock.Write(imagelist.LockPath(l.path())); err != nil {
				t.Fatal(err)
			}
			r, err := mirror.Run(t.Context(), l.runOptions())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if at(t, l.target, "library/a:1") != "" {
				t.Error("it was mirrored")
			}
			if err == nil || outcome(t, r, "b:1").State != mirror.Copied {
				t.Errorf("the other one was not: %+v", r)
			}
		})
	}
}

func TestALockThatCannotBeReadStopsEverything(t *testing.T) {
	l := newLab(t)
	l.push(t, "a:1", multi(t, "one", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	l.approve(t)
	path := imagelist.LockPath(l.path())
	b, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, []byte(strings.Replace(string(b), "sha256:", "sha512:", 1)), 0o644))
	if _, err := mirror.Run(t.Context(), l.runOptions()); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "images.lock.yaml:8:13: approved[0].digest") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsGoneUpstreamStaysAtTheTarget(t *testing.T) {
	l := newLab(t)
	h := l.push(t, "a:1", image(t, "linux/amd64", "one", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	l.approve(t)
	l.run(t)
	remove(t, l, "a@"+h.String())
	if i := item(t, l.plan(t), "a:1"); i.Change != mirror.Gone || i.AtTarget != mirror.Current {
		t.Errorf("%+v", i)
	}
	if got := outcome(t, l.run(t), "a:1"); got.State != mirror.Present {
		t.Errorf("%+v", got)
	}
}
