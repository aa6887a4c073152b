package gitops_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/golden-path/gitops"
	"github.com/pave-platform/pave/hack/lab/crds"
	"github.com/pave-platform/pave/hack/lab/kubernetes"
	layout "github.com/pave-platform/pave/internal/gitops"
	lab "github.com/pave-platform/pave/internal/lab/argocd"
)

// TestARealAPIServerTakesTheFiles applies them strictly, to a server that knows
// Argo CD's and External Secrets' kinds, and lets it compile the policy.
func TestARealAPIServerTakesTheFiles(t *testing.T) {
	cluster := kubernetes.Start(t)
	definitions, err := lab.Definitions(t.Context())
	must(t, err)
	cluster.Install(t, append(definitions, crds.All(t, "External Secrets")...))
	cluster.Namespace(t, "argocd", nil)
	files, err := gitops.Render(options())
	must(t, err)
	for path, content := range files {
		applied, err := cluster.Apply(t.Context(), parsed(t, content))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, w := range applied.Warnings {
			if !strings.Contains(w, "prefer a domain-qualified finalizer name") { // Argo CD's own
				t.Errorf("%s: the server warns: %s", path, w)
			}
		}
	}

	// A policy takes a moment to be in force.
	for name, c := range map[string]struct{ project, namespace, from, want string }{
		"of the folder's project and environment": {"shop", "shop-staging", "apps.shop.staging", ""},
		"of another project":                      {"bank", "shop-staging", "apps.shop.staging", "is in the folder of shop, and of project bank"},
		"of the platform's project":               {"platform", "shop-staging", "apps.shop.staging", "is in the folder of shop, and of project platform"},
		"for another environment":                 {"shop", "shop-production", "apps.shop.staging", "is in the folder of shop-staging, and for another namespace"},
		"with a mark that says too little":        {"shop", "shop-staging", "apps.shop", "no such overload|is in the folder|index out of bounds|denied"},
		"that Argo CD does not apply from Git":    {"bank", "bank-test", "", ""},
	} {
		t.Run("an Application "+name, func(t *testing.T) {
			o := application(t, c.project, c.namespace, c.from)
			_, err := cluster.Apply(t.Context(), o, metav1.DryRunAll)
			for deadline := time.Now().Add(30 * time.Second); err == nil && c.want != "" && time.Now().Before(deadline); {
				time.Sleep(50 * time.Millisecond)
				_, err = cluster.Apply(t.Context(), o, metav1.DryRunAll)
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !containsOne(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func containsOne(text, alternatives string) bool {
	for one := range strings.SplitSeq(alternatives, "|") {
		if strings.Contains(text, one) {
			return true
		}
	}
	return false
}

func application(t *testing.T, project, namespace, from string) *unstructured.Unstructured {
	t.Helper()
	content, err := layout.Application{
		Target:  layout.Target{Project: "shop", Environment: "staging", App: "web"},
		Release: layout.Release{Image: "registry.example.internal/shop/web@sha256:" + strings.Repeat("0", 64), Chart: layout.Chart{Repository: "registry.example.internal/platform/charts", Name: "platform-app", Version: "1.0.0"}, Values: map[string]any{"team": "checkout"}},
	}.Render()
	must(t, err)
	o := parsed(t, content)
	must(t, unstructured.SetNestedField(o.Object, project, "spec", "project"))
	must(t, unstructured.SetNestedField(o.Object, namespace, "spec", "destination", "namespace"))
	if from != "" {
		annotations := o.GetAnnotations()
		annotations["argocd.argoproj.io/tracking-id"] = from + ":argoproj.io/Application:argocd/" + o.GetName()
		o.SetAnnotations(annotations)
	}
	return o
}

func parsed(t *testing.T, content []byte) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSONStrict(content)
	must(t, err)
	o := &unstructured.Unstructured{}
	must(t, o.UnmarshalJSON(raw))
	return o
}
