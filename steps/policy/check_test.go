package policy_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/golden-path/policies"
	"github.com/pave-platform/pave/golden-path/policies/policiestest"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/policy"
)

// platform is where the policies are in force.
func platform(t *testing.T) string {
	t.Helper()
	data, err := policies.Render(policiestest.Options(t))
	must(t, err)
	return file(t, "policies.yaml", string(data))
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestEachPolicyKnowsGoodFromBad(t *testing.T) {
	rules := platform(t)
	for name, cases := range policiestest.Cases(t) {
		t.Run(name, func(t *testing.T) {
			var want, got []string
			for namespace, labels := range map[string]string{policiestest.Platform: policies.Scope, policiestest.Elsewhere: "managed-by=somebody"} {
				var objects []*unstructured.Unstructured
				for _, c := range cases {
					if c.Object.GetNamespace() != namespace {
						continue
					}
					objects = append(objects, c.Object)
					if !c.Good() {
						want = append(want, c.Object.GetName())
					}
				}
				if len(objects) == 0 {
					continue
				}
				r, err := policy.Check(t.Context(), policy.CheckOptions{
					Manifests: []string{file(t, "manifests.yaml", string(policiestest.Manifests(t, objects...)))},
					Policies:  []string{rules}, NamespaceLabels: labels,
				})
				if (err == nil) != (len(r.Violations) == 0) {
					t.Errorf("%d violations, but the error is %v", len(r.Violations), err)
				}
				for _, v := range r.Violations {
					if v.Policy == name {
						got = append(got, v.Name)
					}
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryPolicyHasCasesOrIsLeftToTheCluster(t *testing.T) {
	r, err := policy.Check(t.Context(), policy.CheckOptions{Manifests: []string{file(t, "m.yaml", bare)}, Policies: []string{platform(t)}})
	if fault.KindOf(err) != fault.Gate {
		t.Fatalf("got %v", err)
	}
	known := slices.Collect(maps.Keys(policiestest.Cases(t)))
	if diff := cmp.Diff(slices.Sorted(slices.Values(known)), r.Judged); diff != "" {
		t.Errorf("judged (-with cases +got):\n%s", diff)
	}
	for _, l := range r.Left {
		known = append(known, l.Policy)
	}
	if diff := cmp.Diff(policies.Names(), slices.Sorted(slices.Values(known))); diff != "" {
		t.Errorf("judged and left (-all +got):\n%s", diff)
	}
}

const bare = `apiVersion: v1
kind: Pod
metadata: {name: bare}
spec: {containers: [{name: app, image: nginx}]}
`

func TestTheMessageSaysWhatAndHow(t *testing.T) {
	r, err := policy.Check(t.Context(), policy.CheckOptions{Manifests: []string{file(t, "m.yaml", bare)}, Policies: []string{platform(t)}})
	if err == nil || !strings.Contains(err.Error(), "3 violations") {
		t.Errorf("got %v", err)
	}
	want := []policy.Violation{
		{Policy: "allowed-registries", Kind: "Pod", Name: "bare", Message: "not from an allowed registry: nginx; allowed: registry.example.internal, mirror.example.internal:5000/dockerhub"},
		{Policy: "no-run-as-root", Kind: "Pod", Name: "bare", Message: "may run as root: app; set securityContext.runAsNonRoot: true"},
		{Policy: "require-resource-limits", Kind: "Pod", Name: "bare", Message: "no limits: app; set resources.limits.cpu and resources.limits.memory"},
	}
	if diff := cmp.Diff(want, r.Violations); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWithoutARegistryAnyIsAllowed(t *testing.T) {
	r, err := policy.Check(t.Context(), policy.CheckOptions{Manifests: []string{file(t, "m.yaml", bare)}})
	if fault.KindOf(err) != fault.Gate || slices.Contains(r.Judged, "allowed-registries") || len(r.Left) != 5 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestListsAreJudgedItemByItem(t *testing.T) {
	list := "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(bare), "\n", "\n  ") + "\n"
	r, _ := policy.Check(t.Context(), policy.CheckOptions{Manifests: []string{file(t, "m.yaml", list)}})
	if r.Objects != 1 || len(r.Violations) != 2 {
		t.Errorf("got %+v", r)
	}
}

func TestWhatCannotBeEvaluatedIsRefused(t *testing.T) {
	odd := strings.Replace(bare, "[{name: app, image: nginx}]", "oops", 1)
	r, err := policy.Check(t.Context(), policy.CheckOptions{Manifests: []string{file(t, "m.yaml", odd)}})
	if fault.KindOf(err) != fault.Gate || len(r.Violations) != 2 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// A field that is not known here may narrow or widen a policy.
func TestAPolicyWithAnUnknownFieldIsLeftToTheCluster(t *testing.T) {
	one, err := os.ReadFile("../../golden-path/policies/no-run-as-root.yaml")
	must(t, err)
	for field, text := range map[string]string{
		"autogen":              "spec:\n  autogen: {podControllers: {controllers: []}}",
		"evaluation":           "spec:\n  evaluation: {mode: JSON}",
		"excludeResourceRules": "spec:\n  x: 1",
	} {
		changed := strings.Replace(string(one), "spec:", text, 1)
		other := strings.ReplaceAll(string(one), "name: no-run-as-root", "name: other")
		r, _ := policy.Check(t.Context(), policy.CheckOptions{
			Manifests: []string{file(t, "m.yaml", bare)}, Policies: []string{file(t, "p.yaml", changed+"\n---\n"+other)},
		})
		if len(r.Left) != 1 || !strings.Contains(r.Left[0].Why, "unknown field") || len(r.Judged) != 1 {
			t.Errorf("%s: got %+v", field, r)
		}
	}
}

func TestBadInput(t *testing.T) {
	rules := platform(t)
	good := file(t, "m.yaml", bare)
	for name, o := range map[string]policy.CheckOptions{
		"a missing file":       {Manifests: []string{"nowhere.yaml"}, Policies: []string{rules}},
		"an empty file":        {Manifests: []string{file(t, "m.yaml", "# nothing\n")}, Policies: []string{rules}},
		"not YAML":             {Manifests: []string{file(t, "m.yaml", "a: b: c")}, Policies: []string{rules}},
		"a duplicate key":      {Manifests: []string{file(t, "m.yaml", bare+"kind: Pod\n")}, Policies: []string{rules}},
		"not an object":        {Manifests: []string{file(t, "m.yaml", "a: b")}, Policies: []string{rules}},
		"binary":               {Manifests: []string{file(t, "m.yaml", "\x00\xff\x01")}, Policies: []string{rules}},
		"manifests as policy":  {Manifests: []string{good}, Policies: []string{good}},
		"a bad registry":       {Manifests: []string{good}, Registries: []string{"https://registry.example.com"}},
		"a label of two words": {Manifests: []string{good}, NamespaceLabels: "managed by"},
	} {
		if _, err := policy.Check(t.Context(), o); fault.KindOf(err) != fault.Input {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
