package conformance

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/golden-path/policies"
	"github.com/pave-platform/pave/golden-path/policies/policiestest"
	"github.com/pave-platform/pave/steps/policy"
)

// These have tests of their own: the image's registry is not there, and Kyverno
// refuses to look for what to delete among kinds that it does not know.
const (
	signed   = "only-signed-images"
	previews = "only-signed-previews"
	removes  = "remove-expired-exceptions"
)

// workloads are the kinds that every policy for pods judges.
var workloads = []string{"Deployment", "Rollout"}

func TestEverythingThatTheChartRendersPasses(t *testing.T) {
	var objects []*unstructured.Unstructured
	want := map[string]bool{}
	judged := []string{"allowed-registries", "no-run-as-root", "require-resource-limits", "require-standard-labels"}
	for _, v := range variants(t) {
		objects = append(objects, v.objects...)
		for _, o := range v.objects {
			if slices.Contains(workloads, o.GetKind()) {
				for _, p := range judged {
					want[fmt.Sprintf("%s %s/%s/%s", p, v.namespace, o.GetKind(), o.GetName())] = true
				}
			}
		}
	}
	got := map[string]bool{}
	for _, v := range newEngine(t).judge(t, rules(t, policiestest.Options(t), signed, previews, removes), objects) {
		line := fmt.Sprintf("%s %s/%s/%s", v.Policy, v.Namespace, v.Kind, v.Name)
		if v.Result != "pass" {
			t.Errorf("%s: %s: %s", line, v.Result, v.Message)
		}
		got[line] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("judged (-want +got):\n%s", diff)
	}
}

func TestEachPolicyRefusesTheBadAndLetsTheGoodPass(t *testing.T) {
	kyverno, all := newEngine(t), rules(t, policiestest.Options(t), signed, previews, removes)
	for name, cases := range policiestest.Cases(t) {
		t.Run(name, func(t *testing.T) {
			var objects []*unstructured.Unstructured
			var want []string
			for _, c := range cases {
				objects = append(objects, c.Object)
				if !c.Good() {
					want = append(want, fmt.Sprintf("%s %s/%s/%s", name, c.Object.GetNamespace(), c.Object.GetKind(), c.Object.GetName()))
				}
			}
			one := slices.DeleteFunc(slices.Clone(all), func(p *unstructured.Unstructured) bool { return p.GetName() != name })
			verdicts := kyverno.judge(t, one, objects)
			slices.Sort(want)
			if diff := cmp.Diff(want, refused(verdicts)); diff != "" {
				t.Errorf("refused (-want +got):\n%s\n%+v", diff, verdicts)
			}
			for _, v := range verdicts {
				if v.Result == "error" {
					t.Errorf("%s %s: %s", v.Kind, v.Name, v.Message)
				}
			}
		})
	}
}

// `pave policy check` has an evaluation of its own.
func TestCheckAgreesWithKyverno(t *testing.T) {
	var objects []*unstructured.Unstructured
	for _, cases := range policiestest.Cases(t) {
		for _, c := range cases {
			if c.Object.GetNamespace() == policiestest.Platform {
				objects = append(objects, c.Object)
			}
		}
	}
	all := rules(t, policiestest.Options(t), signed, previews, removes)
	want := map[string]string{}
	for _, v := range newEngine(t).judge(t, all, objects) {
		if v.Result == "fail" || v.Result == "error" {
			want[fmt.Sprintf("%s %s/%s", v.Policy, v.Kind, v.Name)] = v.Message
		}
	}
	r, err := policy.Check(t.Context(), policy.CheckOptions{Manifests: []string{write(t, "objects.yaml", objects...)}, Policies: []string{write(t, "policies.yaml", all...)}})
	if err == nil {
		t.Fatal("nothing is refused")
	}
	got := map[string]string{}
	for _, v := range r.Violations {
		got[fmt.Sprintf("%s %s/%s", v.Policy, v.Kind, v.Name)] = v.Message
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused (-Kyverno +pave):\n%s", diff)
	}
}

func TestAGoodExceptionLetsItsObjectPassAndNoOther(t *testing.T) {
	rule := slices.DeleteFunc(rules(t, policiestest.Options(t)), func(p *unstructured.Unstructured) bool { return p.GetName() != "no-run-as-root" })
	pod := decode(t, []byte(`
apiVersion: v1
kind: Pod
metadata: {name: legacy, namespace: demo}
spec: {containers: [{name: app}]}
`))[0]
	other := pod.DeepCopy()
	other.SetName("other")
	kyverno := newEngine(t)
	kyverno.args = append(kyverno.args, "--exception", write(t, "exception.yaml", policiestest.Cases(t)["exceptions-need-owner"][0].Object))
	got := refused(kyverno.judge(t, rule, []*unstructured.Unstructured{pod, other}))
	if diff := cmp.Diff([]string{"no-run-as-root demo/Pod/other"}, got); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

func TestExceptionsThatAreOverAreRemoved(t *testing.T) {
	var objects []*unstructured.Unstructured
	for _, c := range policiestest.Cases(t)["exceptions-need-owner"] {
		if c.Object.GetAPIVersion() == "policies.kyverno.io/v1" {
			objects = append(objects, c.Object)
		}
	}
	var removed []string
	for _, v := range newEngine(t).judge(t, only(rules(t, policiestest.Options(t)), removes), objects) {
		if v.Result == "pass" {
			removed = append(removed, v.Name)
		}
	}
	if diff := cmp.Diff([]string{"bad-over"}, removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
}

func TestANamespaceOfThePlatformGetsItsNetworkPolicies(t *testing.T) {
	rule := slices.DeleteFunc(rules(t, policiestest.Options(t)), func(p *unstructured.Unstructured) bool {
		return p.GetName() != "generate-default-network-policy"
	})
	out := t.TempDir()
	kyverno := newEngine(t)
	kyverno.args = append(kyverno.args, "--output", out)
	kyverno.judge(t, rule, decode(t, []byte(`
apiVersion: v1
kind: Namespace
metadata: {name: demo, labels: {managed-by: idp-platform}}
---
apiVersion: v1
kind: Namespace
metadata: {name: elsewhere, labels: {managed-by: somebody}}
---
apiVersion: v1
kind: Namespace
metadata: {name: bare}
`)))
	files, err := filepath.Glob(filepath.Join(out, "*"))
	must(t, err)
	got := map[string]any{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		must(t, err)
		for _, o := range decode(t, data) {
			if o.GroupVersionKind().String() != "networking.k8s.io/v1, Kind=NetworkPolicy" || o.GetNamespace() != "demo" {
				t.Errorf("it made %s %s in %s", o.GroupVersionKind(), o.GetName(), o.GetNamespace())
			}
			got[o.GetName()] = o.Object["spec"]
		}
	}
	dns := map[string]any{
		"to": []any{map[string]any{
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "kube-system"}},
			"podSelector":       map[string]any{"matchLabels": map[string]any{"k8s-app": "kube-dns"}},
		}},
		"ports": []any{map[string]any{"protocol": "UDP", "port": int64(53)}, map[string]any{"protocol": "TCP", "port": int64(53)}},
	}
	want := map[string]any{
		"default-deny-ingress": map[string]any{"podSelector": map[string]any{}, "policyTypes": []any{"Ingress"}},
		"default-deny-egress":  map[string]any{"podSelector": map[string]any{}, "policyTypes": []any{"Egress"}},
		"allow-dns-egress":     map[string]any{"podSelector": map[string]any{}, "policyTypes": []any{"Egress"}, "egress": []any{dns}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEveryPolicyIsTestedHere(t *testing.T) {
	tested := append(slices.Collect(maps.Keys(policiestest.Cases(t))), signed, previews, "generate-default-network-policy", removes)
	slices.Sort(tested)
	if diff := cmp.Diff(policies.Names(), tested); diff != "" {
		t.Errorf("-policies +tested:\n%s", diff)
	}
}
