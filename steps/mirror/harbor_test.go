package mirror_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/harbor"
	"github.com/pave-platform/pave/internal/harbortest"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/mirror"
)

// harborLab is a lab whose target is a Harbor with one approved image missing.
func harborLab(t *testing.T) (*lab, *harbortest.Harbor, mirror.RunOptions) {
	t.Helper()
	h := harbortest.Start(t)
	l := labOf(t, registrytest.Distribution(t, registrytest.Options{Anonymous: true}), h.Registry)
	l.push(t, "sub/a:1", multi(t, "one", 0))
	l.list(t, "name: sub/a, source: SOURCE/sub/a, tags: ['1']")
	l.approve(t)
	o, options := l.runOptions(), h.Options()
	o.Harbor = &options
	return l, h, o
}

func TestTheProjectIsMadeIfItIsMissing(t *testing.T) {
	l, h, o := harborLab(t)
	dry := o
	dry.DryRun = true
	if r, err := mirror.Run(t.Context(), dry); err != nil || !r.Project.Created || h.Find("library") != nil {
		t.Fatalf("dry run: %+v, %v", r.Project, err)
	}
	r, err := mirror.Run(t.Context(), o)
	if err != nil || !r.Project.Created || at(t, l.target, "library/sub/a:1") == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if p := h.Find("library"); p.Metadata.Public != "true" {
		t.Errorf("%+v", p)
	}
	if r, err = mirror.Run(t.Context(), o); err != nil || r.Project.Created || r.Count(mirror.Present) != 1 {
		t.Errorf("the second run: %+v, %v", r, err)
	}
}

func TestTheRulesOfAProjectAreExplained(t *testing.T) {
	_, h, o := harborLab(t)
	p := h.Add("library")
	hints := func(want string) {
		t.Helper()
		r, err := mirror.Run(t.Context(), o)
		if err != nil || !slices.ContainsFunc(r.Project.Hints, func(h string) bool { return strings.Contains(h, want) }) {
			t.Errorf("no %q in %+v, %v", want, r.Project, err)
		}
	}
	hints("no rule makes tags immutable")
	h.Retain(p, harbor.Retention{Trigger: harbor.Trigger{Kind: "Schedule", Settings: map[string]string{"cron": "0 0 3 * * *"}}})
	hints("retention policy removes")
	p.Immutable = append(p.Immutable, harbor.NewImmutableRule("**", "**"))
	hints("1 rule(s) make tags immutable")
}

func TestAProjectThatCannotBeWrittenTo(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(h *harbortest.Harbor, o *mirror.RunOptions)
		want    string
		kind    fault.Kind
	}{
		"missing, and no login at the API": {func(_ *harbortest.Harbor, o *mirror.RunOptions) { o.Harbor = nil }, "make the project library there, or give --harbor-username", fault.Failed},
		"forbidden":                        {func(h *harbortest.Harbor, _ *mirror.RunOptions) { h.Add("library").ReadOnly = true }, "403", fault.Failed},
		"full":                             {func(h *harbortest.Harbor, _ *mirror.RunOptions) { h.Add("library").StorageLimit = 10 }, "limit", fault.Failed},
		"immutable": {func(h *harbortest.Harbor, _ *mirror.RunOptions) {
			p := h.Add("library")
			p.Immutable = append(p.Immutable, harbor.NewImmutableRule("**", "**"))
		}, "immutable", fault.Failed},
		"the API forbids": {func(h *harbortest.Harbor, _ *mirror.RunOptions) { h.Fail(harbortest.Fault{Path: "/api/", Status: 403}) }, "give robot that right", fault.Failed},
		"a lost answer": {func(h *harbortest.Harbor, _ *mirror.RunOptions) {
			h.Fail(harbortest.Fault{Method: "POST", Path: "/api/", After: true})
		}, "make Harbor project library", fault.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			l, h, o := harborLab(t)
			c.arrange(h, &o)
			_, err := mirror.Run(t.Context(), o)
			if err == nil || fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if at(t, l.target, "library/sub/a:1") != "" {
				t.Error("there is a tag")
			}
			// Mended, the next run does it.
			if p := h.Find("library"); p != nil {
				p.ReadOnly, p.StorageLimit, p.Immutable = false, -1, nil
			}
			options := h.Options()
			o.Harbor = &options
			if _, err := mirror.Run(t.Context(), o); err != nil || at(t, l.target, "library/sub/a:1") == "" {
				t.Errorf("the next run: %v", err)
			}
		})
	}
}

func TestAtHarborATagIsPrunedByItsAPI(t *testing.T) {
	l, h, o := harborLab(t)
	h.Add("library")
	if _, err := mirror.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	l.push(t, "b:1", image(t, "linux/amd64", "b", 0))
	l.list(t, "name: b, source: SOURCE/b, tags: ['1']")
	o.Prune = true
	r, err := mirror.Run(t.Context(), o)
	if err != nil || outcome(t, r, "sub/a:1").State != mirror.Removed || at(t, l.target, "library/sub/a:1") != "" {
		t.Errorf("%+v, %v", r, err)
	}
	if !slices.ContainsFunc(h.Calls(), func(c string) bool { return strings.HasPrefix(c, "DELETE ") }) {
		t.Errorf("not by the API: %v", h.Calls())
	}
}
