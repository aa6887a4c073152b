package preview_test

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	root "github.com/pave-platform/pave/golden-path/gitops"
	"github.com/pave-platform/pave/internal/forge"
)

// guarded tries what somebody could write into the folder of a project's previews.
func guarded(t *testing.T, w *world) {
	files, err := root.Render(root.Options{RepositoryURL: "https://git.example.internal/gitops.git", ChartRepositories: []string{"registry.example.internal/charts"}})
	must(t, err)
	for _, name := range []string{"guard", "guard-binding"} {
		o := &unstructured.Unstructured{}
		must(t, yaml.Unmarshal(files["platform/"+name+".yaml"], &o.Object))
		_, err := w.Apply(t.Context(), o)
		must(t, err)
	}
	set := func(spoil func(spec, generator map[string]any)) error {
		o := &unstructured.Unstructured{}
		must(t, yaml.Unmarshal([]byte(rendered(t, application(forge.GitHub)).Manifest), &o.Object))
		o.SetAnnotations(map[string]string{"argocd.argoproj.io/tracking-id": "apps.shop.previews:argoproj.io/ApplicationSet:argocd/" + o.GetName()})
		spec := o.Object["spec"].(map[string]any)
		spoil(spec, spec["generators"].([]any)[0].(map[string]any))
		_, err := w.Apply(t.Context(), o, metav1.DryRunAll)
		return err
	}
	template := map[string]any{"metadata": map[string]any{}, "spec": map[string]any{"project": "bank", "destination": map[string]any{"namespace": "bank-production"}}}
	bad := map[string]func(spec, generator map[string]any){
		"another project": func(spec, _ map[string]any) { put(t, spec, "bank", "template", "spec", "project") },
		"another namespace": func(spec, _ map[string]any) {
			put(t, spec, "shop-production", "template", "spec", "destination", "namespace")
		},
		"a patch of the template": func(spec, _ map[string]any) { spec["templatePatch"] = "spec: {project: bank}" },
		"a template of the generator's own": func(_, generator map[string]any) {
			generator["pullRequest"].(map[string]any)["template"] = template
		},
		"another generator beside it": func(_, generator map[string]any) {
			generator["list"] = map[string]any{"elements": []any{}, "template": template}
		},
		"another generator": func(spec, _ map[string]any) {
			spec["generators"] = []any{map[string]any{"list": map[string]any{"elements": []any{}}}}
		},
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for set(bad["another project"]) == nil { // until the policy is in force
		select {
		case <-ctx.Done():
			t.Fatal("the guard lets everything pass")
		case <-time.After(100 * time.Millisecond):
		}
	}
	for name, spoil := range bad {
		if err := set(spoil); err == nil || !strings.Contains(err.Error(), "is in the folder of") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, spoil := range map[string]func(spec, generator map[string]any){
		"as pave writes it": func(_, _ map[string]any) {},
		"with expired ones": func(_, generator map[string]any) {
			generator["selector"] = map[string]any{"matchLabels": map[string]any{"number": "1"}}
		},
		"with another filter": func(_, generator map[string]any) { generator["pullRequest"].(map[string]any)["filters"] = []any{} },
	} {
		if err := set(spoil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func put(t *testing.T, spec map[string]any, value string, path ...string) {
	t.Helper()
	must(t, unstructured.SetNestedField(spec, value, path...))
}
