package mirror_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/mirror"
)

func TestAPlanShowsWhatChangedUpstream(t *testing.T) {
	l := newLab(t)
	first := l.push(t, "alpine:3.22", multi(t, "one", 1, "CVE-1 zlib", "CVE-2 musl"))
	l.push(t, "gone:1", image(t, "linux/amd64", "gone", 0))
	l.push(t, "tool:1.2.0", image(t, "linux/amd64", "tool", 0))
	left := l.push(t, "left:1", image(t, "linux/amd64", "left", 0))
	entries := []string{
		"name: alpine, source: SOURCE/alpine, tags: ['3.22']", "name: gone, source: SOURCE/gone, tags: ['1']",
		"name: tool, source: SOURCE/tool, versions: '~1.2'", "name: left, source: SOURCE/left, tags: ['1']",
	}
	l.list(t, entries...)
	for _, i := range l.plan(t).Items {
		if i.Change != mirror.New || i.AtTarget != mirror.Absent || i.Size == 0 || i.Created == nil {
			t.Errorf("nothing is approved yet: %+v", i)
		}
	}
	l.approve(t)
	l.run(t)
	if r := l.plan(t); r.ToApprove() != 0 {
		t.Errorf("all is approved: %+v", r)
	}

	second := l.push(t, "alpine:3.22", multi(t, "two", 2, "CVE-2 musl", "CVE-3 openssl"))
	l.push(t, "tool:1.2.1", image(t, "linux/amd64", "newer", 0))
	remove(t, l, "gone:1")
	l.list(t, entries[:3]...)
	r := l.plan(t)
	moved := item(t, r, "alpine:3.22")
	if moved.Change != mirror.Moved || moved.Approved != first.String() || moved.Upstream != second.String() || moved.AtTarget != mirror.Current {
		t.Errorf("moved: %+v", moved)
	}
	if s := moved.Scan; !s.Compared || !slices.Equal(s.New, []string{"CVE-3 openssl"}) && len(s.New) != 2 || s.Counts["critical"] != 2 {
		t.Errorf("the difference: %+v", s)
	}
	if !slices.Equal(moved.Platforms, []string{"linux/amd64", "linux/arm64"}) || moved.Kind != "image" {
		t.Errorf("moved: %+v", moved)
	}
	for ref, want := range map[string]mirror.Change{"gone:1": mirror.Gone, "tool:1.2.0": mirror.None, "tool:1.2.1": mirror.New, "left:1": mirror.Left} {
		if got := item(t, r, ref); got.Change != want {
			t.Errorf("%s: got %s, want %s", ref, got.Change, want)
		}
	}
	if i := item(t, r, "left:1"); i.AtTarget != mirror.Current || i.Approved != left.String() {
		t.Errorf("left: %+v", i)
	}
	var table strings.Builder
	r.Summary(&table)
	for _, want := range []string{"moved", "gone", "left", "+2 -2", "2 to approve"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, table.String())
		}
	}
}

// remove takes a tag from the source.
func remove(t *testing.T, l *lab, ref string) {
	t.Helper()
	r, err := name.ParseReference(l.source.Ref("up/" + ref))
	must(t, err)
	must(t, remote.Delete(r, l.source.Client(t).Remote(t.Context())...))
}

func TestAPlanShowsAChangedList(t *testing.T) {
	for name, c := range map[string]struct{ before, after, was string }{
		"another source":    {"name: a, source: SOURCE/a, tags: ['1']", "name: a, source: SOURCE/b, tags: ['1']", "source was"},
		"other platforms":   {"name: a, source: SOURCE/a, tags: ['1']", "name: a, source: SOURCE/a, tags: ['1'], platforms: [linux/amd64]", "platforms were linux/amd64, linux/arm64"},
		"platforms no more": {"name: a, source: SOURCE/a, tags: ['1'], platforms: [linux/arm64]", "name: a, source: SOURCE/a, tags: ['1']", "platforms were linux/arm64"},
		"a fixed digest":    {"name: a, source: SOURCE/a, digest: 'A', as: '1'", "name: a, source: SOURCE/a, digest: 'B', as: '1'", "digest was"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			a, b := l.push(t, "a:1", multi(t, "a", 0)), l.push(t, "b:1", multi(t, "b", 0))
			l.push(t, "a:other", multi(t, "b", 0))
			digests := strings.NewReplacer("'A'", "'"+a.String()+"'", "'B'", "'"+b.String()+"'")
			l.list(t, digests.Replace(c.before))
			l.approve(t)
			l.list(t, digests.Replace(c.after))
			i := item(t, l.plan(t), "a:1")
			if i.Change != mirror.Changed || !strings.HasPrefix(i.Was, c.was) {
				t.Errorf("got %+v", i)
			}
			r := l.run(t)
			if got := outcome(t, r, "a:1"); got.State != mirror.Unapproved || at(t, l.target, "library/a:1") != "" {
				t.Errorf("what was not approved was mirrored: %+v", got)
			}
		})
	}
}

func TestAPlanGoesOnWhereASourceFails(t *testing.T) {
	l := newLab(t)
	l.push(t, "a:1", image(t, "linux/amd64", "a", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']", "name: b, source: '127.0.0.1:1/b/b', tags: ['1']", "name: c, source: '127.0.0.1:1/c/c', versions: '1'")
	r, err := mirror.Plan(t.Context(), mirror.PlanOptions{Common: l.common()})
	if fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "refuses connections") || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("got %v", err)
	}
	if got := item(t, r, "a:1").Change; got != mirror.New {
		t.Errorf("the one that works: %s", got)
	}
	if got := item(t, r, "b:1"); got.Change != mirror.Failed || got.Error == "" {
		t.Errorf("the one that does not: %+v", got)
	}
}

func TestAPlanIsTolerantOfNothing(t *testing.T) {
	for name, c := range map[string]struct {
		entry, want string
	}{
		"a platform that is not there": {"name: a, source: SOURCE/a, tags: ['1'], platforms: [linux/s390x]", "there is no image for linux/s390x"},
		"an image that is a chart":     {"name: a, source: SOURCE/a, tags: ['1'], kind: chart", "it could not be read"},
	} {
		l := newLab(t)
		l.push(t, "a:1", multi(t, "a", 0))
		l.list(t, c.entry)
		r, _ := mirror.Plan(t.Context(), mirror.PlanOptions{Common: l.common()})
		if i := item(t, r, "a:1"); len(i.Refused) != 1 || !i.Refused[0].Final || !strings.Contains(i.Refused[0].Reason, c.want) {
			t.Errorf("%s: %+v", name, i)
		}
		o := l.approveOptions()
		o.Reason = "I want it"
		if a, err := mirror.Approve(t.Context(), o); err == nil || len(a.Approved) != 0 {
			t.Errorf("%s: approved: %v", name, err)
		}
	}
}
