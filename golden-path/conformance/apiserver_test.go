package conformance

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/golden-path/policies/policiestest"
	"github.com/pave-platform/pave/hack/lab/crds"
	"github.com/pave-platform/pave/hack/lab/kubernetes"
)

// restricted is a namespace as the platform makes them: pods that are not
// restricted are refused, and workloads of such pods are warned of.
var restricted = map[string]string{
	"managed-by":                         "idp-platform",
	"pod-security.kubernetes.io/enforce": "restricted",
	"pod-security.kubernetes.io/warn":    "restricted",
}

func TestARealAPIServer(t *testing.T) {
	cluster := kubernetes.Start(t)
	cluster.Install(t, crds.All(t))
	all := variants(t)
	t.Run("takes every variant, and a second time changes nothing", func(t *testing.T) {
		for _, v := range all {
			t.Run(v.namespace, func(t *testing.T) {
				cluster.Namespace(t, v.namespace, restricted)
				first := apply(t, cluster, v.objects)
				second := apply(t, cluster, v.objects)
				for i, o := range v.objects {
					// The server writes a claim that nobody has bound anew each time.
					for _, a := range []*unstructured.Unstructured{first[i], second[i]} {
						a.SetResourceVersion("")
					}
					if diff := cmp.Diff(first[i].Object, second[i].Object); diff != "" {
						t.Errorf("%s %s is changed by applying it again:\n%s", o.GetKind(), o.GetName(), diff)
					}
				}
				for _, o := range v.objects {
					runnable(t, cluster, o)
				}
			})
		}
	})
	t.Run("refuses a field that no kind has", func(t *testing.T) {
		refusesWrongFields(t, cluster, all)
	})
	t.Run("refuses a pod that is not restricted", func(t *testing.T) {
		cluster.Namespace(t, "unrestricted", restricted)
		account := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount"}}
		account.SetName("default")
		bare := pod("bare", image)
		for _, o := range []*unstructured.Unstructured{account, bare} {
			o.SetNamespace("unrestricted")
		}
		apply(t, cluster, []*unstructured.Unstructured{account})
		if _, err := cluster.Apply(t.Context(), bare, metav1.DryRunAll); err == nil || !strings.Contains(err.Error(), "PodSecurity") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("takes the policies", func(t *testing.T) {
		cluster.Namespace(t, "kyverno", nil)
		exception := policiestest.Cases(t)["exceptions-need-owner"][0].Object
		exception.SetNamespace("kyverno")
		apply(t, cluster, append(rules(t, policiestest.Options(t)), exception))
	})
}

// apply applies the objects in their order; a warning is an error, too.
func apply(t *testing.T, cluster *kubernetes.Cluster, objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	t.Helper()
	applied := make([]*unstructured.Unstructured, len(objects))
	for i, o := range objects {
		a, err := cluster.Apply(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range a.Warnings {
			t.Errorf("%s %s: the server warns: %s", o.GetKind(), o.GetName(), w)
		}
		applied[i] = a.Object
	}
	return applied
}

// runnable tries whether a pod of the workload would be admitted.
func runnable(t *testing.T, cluster *kubernetes.Cluster, workload *unstructured.Unstructured) {
	t.Helper()
	template, found, err := unstructured.NestedMap(workload.Object, "spec", "template")
	must(t, err)
	if kind := workload.GetKind(); !found || kind != "Deployment" && kind != "Rollout" {
		return
	}
	template["apiVersion"], template["kind"] = "v1", "Pod"
	o := &unstructured.Unstructured{Object: template}
	o.SetName(workload.GetName())
	o.SetNamespace(workload.GetNamespace())
	if _, err := cluster.Apply(t.Context(), o, metav1.DryRunAll); err != nil {
		t.Errorf("a pod of %s %s: %v", workload.GetKind(), workload.GetName(), err)
	}
}

// refusesWrongFields adds an unknown field to one object of each kind, beside
// its other fields and in its spec.
func refusesWrongFields(t *testing.T, cluster *kubernetes.Cluster, all []variant) {
	t.Helper()
	seen := map[string]bool{}
	for _, v := range all {
		for _, o := range v.objects {
			kind := o.GroupVersionKind().String()
			if seen[kind] {
				continue
			}
			seen[kind] = true
			places := [][]string{{"paveWrong"}}
			if _, ok := o.Object["spec"].(map[string]any); ok {
				places = append(places, []string{"spec", "paveWrong"})
			}
			for _, place := range places {
				wrong := o.DeepCopy()
				must(t, unstructured.SetNestedField(wrong.Object, "x", place...))
				if _, err := cluster.Apply(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "paveWrong") {
					t.Errorf("%s with %s: got %v", kind, strings.Join(place, "."), err)
				}
			}
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d kinds were rendered", len(seen))
	}
}
