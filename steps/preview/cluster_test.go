package preview_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/hack/lab/kubernetes"
	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	lab "github.com/pave-platform/pave/internal/lab/argocd"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/preview"
)

// world is a real API server with Argo CD's definitions, in which the test is
// Argo CD: it makes the Applications that its controller would.
type world struct {
	*kubernetes.Cluster
	applications dynamic.ResourceInterface
}

var (
	applications    = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
	applicationSets = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applicationsets"}
)

func start(t *testing.T) *world {
	t.Helper()
	w := &world{Cluster: kubernetes.Start(t)}
	definitions, err := lab.Definitions(t.Context())
	must(t, err)
	w.Install(t, definitions)
	w.Namespace(t, "argocd", nil)
	objects, err := dynamic.NewForConfig(w.Config)
	must(t, err)
	w.applications = objects.Resource(applications).Namespace("argocd")
	return w
}

func (w *world) options() *argocd.Options {
	return &argocd.Options{Kubeconfig: secret.Source{File: w.Kubeconfig}}
}

// make makes the Application of a pull request, changed by change.
func (w *world) make(t *testing.T, number int, commit string, change func(o *unstructured.Unstructured)) {
	t.Helper()
	object := generated(t, rendered(t, application(forge.BitbucketCloud)).Manifest, map[string]any{"number": fmt.Sprint(number), "head_sha": commit})
	object["apiVersion"], object["kind"] = "argoproj.io/v1alpha1", "Application"
	o := &unstructured.Unstructured{Object: object}
	o.SetNamespace("argocd")
	if change != nil {
		change(o)
	}
	_, err := w.applications.Create(t.Context(), o, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	must(t, err)
}

// says writes what Argo CD says of an Application.
func (w *world) says(t *testing.T, name, sync, health string) {
	t.Helper()
	o, err := w.applications.Get(t.Context(), name, metav1.GetOptions{})
	must(t, err)
	compared := map[string]any{}
	for _, field := range []string{"destination", "source"} {
		compared[field], _, _ = unstructured.NestedMap(o.Object, "spec", field)
	}
	must(t, unstructured.SetNestedField(o.Object, map[string]any{
		"sync": map[string]any{"status": sync, "comparedTo": compared}, "health": map[string]any{"status": health},
	}, "status"))
	_, err = w.applications.Update(t.Context(), o, metav1.UpdateOptions{})
	must(t, err)
}

// left gives the names of the Applications that are not on their way out.
func (w *world) left(t *testing.T) []string {
	t.Helper()
	all, err := w.applications.List(t.Context(), metav1.ListOptions{})
	must(t, err)
	names := []string{}
	for _, o := range all.Items {
		if o.GetDeletionTimestamp() == nil {
			names = append(names, o.GetName())
		}
	}
	slices.Sort(names)
	return names
}

func of(s *forgetest.Server, kind forge.Kind) preview.Of {
	return preview.Of{Project: "shop", App: "web", Domain: "previews.example.internal", Forge: s.Forge(kind)}
}

func TestARealAPIServer(t *testing.T) {
	w := start(t)
	t.Run("takes the ApplicationSet of each forge", func(t *testing.T) {
		for _, kind := range forge.Kinds() {
			a := application(kind)
			if kind == forge.BitbucketDataCenter || kind == forge.GitLab {
				a.CAConfigMap = "forge-ca"
			}
			o := &unstructured.Unstructured{}
			must(t, yaml.Unmarshal([]byte(rendered(t, a).Manifest), &o.Object))
			o.SetName(string(kind))
			for range 2 {
				applied, err := w.Apply(t.Context(), o)
				if err != nil || len(applied.Warnings) > 0 {
					t.Errorf("%s: %v %v", kind, err, applied.Warnings)
				}
			}
		}
	})
	for name, test := range map[string]func(*testing.T, *world){
		"list says how far each preview is":             listed,
		"prune removes what is left, and nothing else":  pruned,
		"prune killed at each request is finished":      killedPrunes,
		"list and prune say what a kubeconfig may lack": refusedByTheCluster,
		"the guard keeps a set in its project":          guarded,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, w)
			must(t, w.applications.DeleteCollection(context.WithoutCancel(t.Context()), metav1.DeleteOptions{}, metav1.ListOptions{}))
			w.letGo(t)
		})
	}
}

// letGo is what Argo CD does once it has removed what an Application deployed.
func (w *world) letGo(t *testing.T) {
	t.Helper()
	all, err := w.applications.List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for i := range all.Items {
		all.Items[i].SetFinalizers(nil)
		_, err := w.applications.Update(t.Context(), &all.Items[i], metav1.UpdateOptions{})
		must(t, err)
	}
}

func listed(t *testing.T, w *world) {
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			s := forgetest.Start(t, forgetest.Options{})
			for i := range 4 {
				s.Open(fmt.Sprintf("preview/web/%d", i+1), "say \x1b[31mhello\x1b[0m")
			}
			for _, branch := range []string{"feature/x", "preview/other/x", "preview/web/", "xpreview/web/x"} {
				s.Open(branch, "not one")
			}
			gone := s.Open("preview/web/gone", "gone")
			s.Decline(gone)
			w.make(t, 1, s.Head("preview/web/1"), nil)
			w.says(t, "shop.previews.web-pr-1", "Synced", "Healthy")
			w.make(t, 2, strings.Repeat("0", 40), nil)
			w.make(t, 3, s.Head("preview/web/3"), nil)
			w.says(t, "shop.previews.web-pr-3", "OutOfSync", "Missing")
			w.make(t, gone, strings.Repeat("0", 40), nil)
			l, err := preview.Run(t.Context(), preview.ListOptions{Of: of(s, kind), Cluster: w.options()})
			must(t, err)
			got := map[int]preview.State{}
			for _, p := range l.Previews {
				got[p.Number] = p.State
				if p.Number == 1 && (p.URL != "https://web-pr-1.previews.example.internal" || p.Title != "say [31mhello[0m" || p.Author != "jane" || !strings.HasPrefix(p.PullRequest, s.URL)) {
					t.Errorf("%+v", p)
				}
			}
			want := map[int]preview.State{1: preview.Ready, 2: preview.Outdated, 3: preview.Progressing, 4: preview.Waiting, gone: preview.Left}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			l, err = preview.Run(t.Context(), preview.ListOptions{Of: of(s, kind)})
			if err != nil || len(l.Previews) != 4 || l.Previews[0].State != preview.Unknown {
				t.Errorf("without a cluster: %+v, %v", l, err)
			}
			must(t, w.applications.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
			w.letGo(t)
		})
	}
}

// strangers are Applications that look like previews of the project, and are not.
func (w *world) strangers(t *testing.T) []string {
	t.Helper()
	commit := strings.Repeat("0", 40)
	label := func(o *unstructured.Unstructured, key, value string) {
		l := o.GetLabels()
		l[key] = value
		o.SetLabels(l)
	}
	for name, change := range map[string]func(o *unstructured.Unstructured){
		"of-another-project": func(o *unstructured.Unstructured) { label(o, "app.kubernetes.io/part-of", "bank") },
		"of-another-app":     func(o *unstructured.Unstructured) { label(o, "app.kubernetes.io/name", "other") },
		"not-managed":        func(o *unstructured.Unstructured) { label(o, "app.kubernetes.io/managed-by", "me") },
		"in-staging":         func(o *unstructured.Unstructured) { label(o, "pave.dev/environment", "staging") },
		"without-a-number":   func(o *unstructured.Unstructured) { label(o, "pave.dev/pull-request", "x") },
		"another-name":       func(*unstructured.Unstructured) {},
	} {
		w.make(t, 2, commit, func(o *unstructured.Unstructured) {
			o.SetName(name)
			change(o)
		})
	}
	w.make(t, 3, commit, func(o *unstructured.Unstructured) {
		must(t, unstructured.SetNestedField(o.Object, "shop-production", "spec", "destination", "namespace"))
	})
	return []string{"another-name", "in-staging", "not-managed", "of-another-app", "of-another-project", "shop.previews.web-pr-3", "without-a-number"}
}

func pruned(t *testing.T, w *world) {
	s := forgetest.Start(t, forgetest.Options{PageLength: 1})
	commit := s.Push("preview/web/1")
	for i := range 4 {
		s.Open(fmt.Sprintf("preview/web/%d", i+1), "x")
	}
	s.Merge(2)
	s.Decline(3)
	renamed := s.Open("feature/x", "its preview is by an older pattern")
	w.make(t, 1, commit, nil)
	w.make(t, 2, commit, nil)
	w.make(t, renamed, commit, func(o *unstructured.Unstructured) { o.SetFinalizers(nil) }) // it would leave everything behind
	strangers := w.strangers(t)                                                             // number 3's, closed, among them
	o := preview.PruneOptions{Of: of(s, forge.BitbucketDataCenter), Cluster: w.options(), DryRun: true}
	dry, err := preview.Prune(t.Context(), o)
	must(t, err)
	o.DryRun = false
	want := []preview.Removed{
		{Application: "shop.previews.web-pr-2", Number: 2, Reason: "pull request 2 is merged"},
		{Application: "shop.previews.web-pr-5", Number: 5, Reason: "pull request 5 is from branch feature/x"},
	}
	if diff := cmp.Diff(want, dry.Removed); diff != "" || len(w.left(t)) != 3+len(strangers) {
		t.Errorf("a dry run: %v\n%s", w.left(t), diff)
	}
	p, err := preview.Prune(t.Context(), o)
	must(t, err)
	if diff := cmp.Diff(want, p.Removed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	kept := slices.Concat(strangers, []string{"shop.previews.web-pr-1"})
	slices.Sort(kept)
	if diff := cmp.Diff(kept, w.left(t)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	bare, err := w.applications.Get(t.Context(), "shop.previews.web-pr-5", metav1.GetOptions{})
	if err != nil || len(bare.GetFinalizers()) != 1 {
		t.Errorf("the one without a finalizer does not take along what it deployed: %v, %v", bare.GetFinalizers(), err)
	}
	w.letGo(t)
	if p, err = preview.Prune(t.Context(), o); err != nil || p.Changed || len(p.Removed) != 0 {
		t.Errorf("again: %+v, %v", p, err)
	}
}

func refusedByTheCluster(t *testing.T, w *world) {
	s := forgetest.Start(t, forgetest.Options{})
	o := preview.PruneOptions{Of: of(s, forge.GitHub), Cluster: w.options()}
	o.Cluster.Context = "elsewhere"
	if _, err := preview.Prune(t.Context(), o); err == nil || !strings.Contains(err.Error(), `no context "elsewhere"`) {
		t.Errorf("%v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
