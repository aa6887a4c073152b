package argocd_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pave-platform/pave/internal/lab"
)

// TestDeploy is one platform on which everything happens, in this order.
func TestDeploy(t *testing.T) {
	p := start(t)
	t.Run("hello-go becomes Synced and Healthy through ApplicationSet, app of apps and Application", p.becomesHealthy)
	t.Run("an edit in the cluster is healed", p.heals)
	t.Run("files beside the Applications are no manifests", p.beside)
	t.Run("without a repository, the Application is applied", p.applied)
	t.Run("what goes wrong comes back in plain words", p.problems)
	t.Run("a folder makes Applications of its own project only", p.guarded)
	t.Run("an Argo CD that is down while somebody waits does not matter", p.argoDown)
	t.Run("an API server that restarts while somebody waits does not matter", p.apiRestarts)
	t.Run("killed while it waits and run again, it makes no second commit", p.killed)
	t.Run("an application that leaves Git leaves the cluster", p.leaves)
}

func (p *platform) becomesHealthy(t *testing.T) {
	o := p.options(t, "staging", "hello-go", p.helloGo(t), nil)
	r := p.run(t, o)
	if !r.Changed || r.Sync != "Synced" || r.Health != "Healthy" || r.WaitedSeconds <= 0 {
		t.Errorf("%+v", r)
	}
	if got := p.answers(t, "staging", "hello-go", "/"); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, "staging") {
		t.Errorf("it answers %s", got)
	}
	commits := p.gitops.Commits(t, "main")
	if again := p.run(t, o); again.Changed || again.Health != "Healthy" || p.gitops.Commits(t, "main") != commits {
		t.Errorf("again: %+v", again)
	}
	t.Logf("Healthy after %.1f s", r.WaitedSeconds)

	r = p.run(t, p.options(t, "staging", "hello-go", p.web(t, lab.Web{Text: "another release"}), nil))
	if r.Health != "Healthy" {
		t.Errorf("%+v", r)
	}
	t.Logf("the next release is Healthy after %.1f s", r.WaitedSeconds)
	if got := p.answers(t, "staging", "hello-go", "/"); got != "200 another release" {
		t.Errorf("it answers %s", got)
	}
}

var (
	applications = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
	deployments  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
)

// heals edits a resource of the application, and the Application itself: Argo CD
// sets both back to what Git says.
func (p *platform) heals(t *testing.T) {
	ctx := t.Context()
	edit := func(kind schema.GroupVersionResource, namespace, name, patch string) {
		t.Helper()
		_, err := p.Dynamic.Resource(kind).Namespace(namespace).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"})
		must(t, err)
	}
	one := func(fields ...string) func(*unstructured.Unstructured) error {
		return func(o *unstructured.Unstructured) error {
			if n, _, _ := unstructured.NestedFieldNoCopy(o.Object, fields...); fmt.Sprint(n) != "1" {
				return fmt.Errorf("%s is %v", strings.Join(fields, "."), n)
			}
			return nil
		}
	}
	edit(deployments, "demo-staging", "hello-go", `{"spec":{"replicas":0}}`)
	must(t, p.Await(ctx, "apps/v1", "Deployment", "demo-staging", "hello-go", one("spec", "replicas")))

	edit(applications, "argocd", "demo-staging-hello-go", `{"spec":{"source":{"helm":{"valuesObject":{"replicas":3}}}}}`)
	must(t, p.Await(ctx, "argoproj.io/v1alpha1", "Application", "argocd", "demo-staging-hello-go", one("spec", "source", "helm", "valuesObject", "replicas")))
	must(t, p.Await(ctx, "apps/v1", "Deployment", "demo-staging", "hello-go", one("status", "readyReplicas")))
}

// beside puts files next to the Application that are not for Argo CD.
func (p *platform) beside(t *testing.T) {
	p.gitops.Commit(t, "main", "files that are no manifests", map[string]string{
		"apps/demo/environments.yaml":             "environments: [staging, second]\n", // without the mark that would keep Argo CD off
		"apps/demo/rejected.yaml":                 "# +argocd:skip-file-rendering\nrejected: []\n",
		"apps/demo/staging/hello-go/history.yaml": "entries: []\n",
		"apps/demo/staging/README.md":             "for people\n",
	})
	o := p.options(t, "staging", "hello-go", p.web(t, lab.Web{Text: "with files beside"}), nil)
	if r := p.run(t, o); r.Health != "Healthy" {
		t.Errorf("%+v", r)
	}
	parent, err := p.Get(t.Context(), "argoproj.io/v1alpha1", "Application", "argocd", "apps.demo.staging")
	must(t, err)
	resources, _, _ := unstructured.NestedSlice(parent.Object, "status", "resources")
	if len(resources) != 1 {
		t.Errorf("the parent has %v", resources)
	}
}

// applied deploys to a cluster as platforms without a GitOps repository do.
func (p *platform) applied(t *testing.T) {
	o := p.options(t, "second", "direct", p.web(t, lab.Web{Text: "applied"}), nil)
	o.Apply, o.Repository.URL = true, ""
	first := p.run(t, o)
	second := p.run(t, o)
	if !first.Changed || !first.Applied || first.Health != "Healthy" || first.Commit != "" || second.Changed {
		t.Errorf("%+v, then %+v", first, second)
	}
	if got := p.answers(t, "second", "direct", "/"); got != "200 applied" {
		t.Errorf("it answers %s", got)
	}
	// What Git generates is not to be applied over.
	o = p.options(t, "staging", "hello-go", p.web(t, lab.Web{Text: "over"}), nil)
	o.Apply, o.Repository.URL = true, ""
	if _, err := p.try(t, o); err == nil || !strings.Contains(err.Error(), "is generated from Git by apps.demo.staging") {
		t.Errorf("got %v", err)
	}
}

// leaves takes an application out of Git. It is the last one in its folder, which
// goes with it.
func (p *platform) leaves(t *testing.T) {
	o := p.options(t, "second", "leaver", p.web(t, lab.Web{Text: "leaver"}), nil)
	p.run(t, o)
	p.remove(t, "apps/demo/second/leaver/application.yaml")
	must(t, p.client(t).RefreshParent(t.Context(), "no.such.parent")) // the ApplicationSet
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		_, err := p.Dynamic.Resource(deployments).Namespace("demo-second").Get(ctx, "leaver", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return
		}
		must(t, err)
		time.Sleep(100 * time.Millisecond)
	}
}
