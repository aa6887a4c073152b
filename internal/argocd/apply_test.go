package argocd_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
)

// TestApply applies Applications to a real API server without Git.
func TestApply(t *testing.T) {
	w := start(t)
	c, _ := w.client(t, nil)
	apply := func(a gitops.Application, o argocd.ApplyOptions) (argocd.Applied, error) {
		return c.Apply(t.Context(), render(t, a), o)
	}
	version := func(a gitops.Application) string {
		return w.get(t, applications, "argocd", a.Name()).GetResourceVersion()
	}
	edit := func(t *testing.T, a gitops.Application, patch string) {
		t.Helper()
		_, err := w.objects.Resource(applications).Namespace("argocd").Patch(t.Context(), a.Name(), types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"})
		must(t, err)
	}

	t.Run("a second time changes nothing, also after Argo CD wrote its status", func(t *testing.T) {
		a := release(t, "twice", 1)
		first, err := apply(a, argocd.ApplyOptions{})
		must(t, err)
		w.say(t, a.Name(), report{sync: "Synced", health: "Healthy"})
		before := version(a)
		second, err := apply(a, argocd.ApplyOptions{})
		must(t, err)
		if !first.Changed || second.Changed || second.Diff != "" || version(a) != before {
			t.Errorf("%+v, then %+v", first, second)
		}
		s, err := c.State(t.Context(), a.Name())
		must(t, err)
		if !s.At(gitops.ContentHash(render(t, a))) {
			t.Errorf("%+v", s)
		}
	})
	t.Run("a dry run shows the difference and changes nothing", func(t *testing.T) {
		a := release(t, "dry", 1)
		got, err := apply(a, argocd.ApplyOptions{DryRun: true})
		must(t, err)
		if _, err := c.State(t.Context(), a.Name()); err == nil || !got.Changed || !strings.Contains(got.Diff, "--- /dev/null\n+++ b/argocd/shop-staging-dry") {
			t.Errorf("%v, %+v", err, got)
		}
		_, err = apply(a, argocd.ApplyOptions{})
		must(t, err)
		before := version(a)
		got, err = apply(release(t, "dry", 2), argocd.ApplyOptions{DryRun: true})
		must(t, err)
		if version(a) != before || !strings.Contains(got.Diff, "-          digest: "+digest(1)) || !strings.Contains(got.Diff, "+          digest: "+digest(2)) {
			t.Errorf("%+v", got)
		}
	})
	for name, patch := range map[string]string{
		"a field that somebody changed": `{"spec":{"source":{"helm":{"valuesObject":{"replicas":7}}}}}`,
		"a field that somebody added":   `{"spec":{"source":{"helm":{"parameters":[{"name":"replicas","value":"7"}]}}}}`,
	} {
		t.Run(name+" is taken back by force only", func(t *testing.T) {
			a := release(t, strings.ReplaceAll(name, " ", "-")[len(name)-5:], 1)
			_, err := apply(a, argocd.ApplyOptions{})
			must(t, err)
			edit(t, a, patch)
			before := version(a)
			_, err = apply(a, argocd.ApplyOptions{})
			if fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "was edited in the cluster since it was deployed (by kubectl-edit at 2") || !strings.Contains(err.Error(), "--force") || version(a) != before {
				t.Errorf("got %v", err)
			}
			dry, err := apply(a, argocd.ApplyOptions{Force: true, DryRun: true})
			must(t, err)
			if !strings.Contains(dry.Diff, "7") || version(a) != before {
				t.Errorf("the dry run: %+v", dry)
			}
			forced, err := apply(a, argocd.ApplyOptions{Force: true})
			must(t, err)
			if !forced.Changed || forced.Diff != dry.Diff {
				t.Errorf("with force: %+v, the dry run said %s", forced, dry.Diff)
			}
			again, err := apply(a, argocd.ApplyOptions{})
			must(t, err)
			if again.Changed {
				t.Errorf("afterwards: %+v", again)
			}
			next, err := apply(release(t, a.App, 2), argocd.ApplyOptions{})
			must(t, err)
			if !next.Changed {
				t.Errorf("the next release: %+v", next)
			}
		})
	}
	t.Run("an Application that is generated from Git is left to Git", func(t *testing.T) {
		a := release(t, "generated", 1)
		w.deploy(t, a)
		for _, force := range []bool{false, true} {
			if _, err := apply(a, argocd.ApplyOptions{Force: force}); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "generated from Git by apps.shop.staging") {
				t.Errorf("force %v: %v", force, err)
			}
		}
	})
	t.Run("somebody else's Application is taken over by force only", func(t *testing.T) {
		a := release(t, "foreign", 1)
		w.foreign(t, a)
		if _, err := apply(a, argocd.ApplyOptions{}); fault.KindOf(err) != fault.Failed || !strings.Contains(err.Error(), "somebody else than pave made it") {
			t.Errorf("got %v", err)
		}
		_, err := apply(a, argocd.ApplyOptions{Force: true})
		must(t, err)
	})
	t.Run("an Application for another namespace than Argo CD's is refused", func(t *testing.T) {
		a := release(t, "elsewhere", 1)
		a.ArgoCDNamespace = "cd"
		if _, err := apply(a, argocd.ApplyOptions{}); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "--argocd-namespace") {
			t.Errorf("got %v", err)
		}
	})
}

// foreign makes an Application that pave knows nothing of.
func (w *world) foreign(t *testing.T, a gitops.Application) {
	t.Helper()
	w.deploy(t, a)
	_, err := w.objects.Resource(applications).Namespace("argocd").Patch(t.Context(), a.Name(), types.MergePatchType,
		[]byte(`{"metadata":{"annotations":null}}`), metav1.PatchOptions{FieldManager: "kubectl"})
	must(t, err)
}

// TestAnAPIServerWithoutArgoCD says so.
func TestAnAPIServerWithoutArgoCD(t *testing.T) {
	w := startBare(t)
	c, _ := w.client(t, nil)
	a := release(t, "web", 1)
	_, err := c.Apply(t.Context(), render(t, a), argocd.ApplyOptions{})
	_, followed := follow(t, c, want(t, a)).wait(t)
	for _, err := range []error{err, followed} {
		if err == nil || !strings.Contains(err.Error(), "Argo CD is not installed there") {
			t.Errorf("got %v", err)
		}
	}
}
