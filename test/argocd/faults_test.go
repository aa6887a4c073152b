package argocd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/internal/lab"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/deploy"
)

func TestMain(m *testing.M) {
	killtest.Main(m, func(ctx context.Context, o deploy.Options) error {
		_, err := deploy.Run(ctx, o)
		return err
	})
}

func (p *platform) try(t *testing.T, o deploy.Options) (deploy.Result, error) {
	t.Helper()
	return deploy.Run(t.Context(), o)
}

func (p *platform) client(t *testing.T) *argocd.Client {
	t.Helper()
	c, err := argocd.New(argocd.Options{Kubeconfig: secret.Source{File: p.Kubeconfig}, Log: p.log(t)})
	must(t, err)
	return c
}

// remove takes a file out of the repository, and lets Argo CD see that.
func (p *platform) remove(t *testing.T, path string) {
	t.Helper()
	r, err := gitrepo.New(p.repository())
	must(t, err)
	_, err = r.Update(t.Context(), func(*gitrepo.Tree) (gitrepo.Change, error) {
		return gitrepo.Change{Remove: []string{path}, Message: "remove " + path}, nil
	})
	must(t, err)
}

// parentSays waits until the sync of apps.demo.staging has failed with text.
func (p *platform) parentSays(t *testing.T, text string) {
	t.Helper()
	must(t, p.client(t).RefreshParent(t.Context(), "apps.demo.staging"))
	must(t, p.Await(t.Context(), "argoproj.io/v1alpha1", "Application", "argocd", "apps.demo.staging", func(o *unstructured.Unstructured) error {
		said, err := json.Marshal(o.Object["status"])
		if err == nil && !strings.Contains(string(said), text) {
			return fmt.Errorf("it says %s", said)
		}
		return err
	}))
}

// waiting is a deploy that runs in another goroutine.
func (p *platform) waiting(t *testing.T, o deploy.Options) func() deploy.Result {
	t.Helper()
	var r deploy.Result
	done := make(chan error, 1)
	go func() {
		var err error
		r, err = deploy.Run(t.Context(), o)
		done <- err
	}()
	return func() deploy.Result {
		t.Helper()
		must(t, <-done)
		return r
	}
}

// committed waits until somebody has pushed a commit after the first n.
func (p *platform) committed(t *testing.T, n int) {
	t.Helper()
	for p.gitops.Commits(t, "main") == n {
		select {
		case <-t.Context().Done():
			t.Fatal("there is no commit")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *platform) argoDown(t *testing.T) {
	const controller = "argocd-application-controller"
	o := p.options(t, "staging", "hello-go", p.web(t, lab.Web{Text: "while Argo CD was down"}), nil)
	must(t, p.Stop(t.Context(), controller))
	commits := p.gitops.Commits(t, "main")
	end := p.waiting(t, o)
	p.committed(t, commits)
	must(t, p.Resume(t.Context(), controller))
	if r := end(); r.Health != "Healthy" {
		t.Errorf("%+v", r)
	}
}

func (p *platform) apiRestarts(t *testing.T) {
	o := p.options(t, "staging", "hello-go", p.web(t, lab.Web{Text: "while the API server was down"}), nil)
	commits := p.gitops.Commits(t, "main")
	end := p.waiting(t, o)
	p.committed(t, commits)
	must(t, p.Stop(t.Context(), "kube-apiserver"))
	must(t, p.Resume(t.Context(), "kube-apiserver"))
	if r := end(); r.Health != "Healthy" {
		t.Errorf("%+v", r)
	}
	if got := p.answers(t, "staging", "hello-go", "/"); got != "200 while the API server was down" {
		t.Errorf("it answers %s", got)
	}
}

func (p *platform) killed(t *testing.T) {
	o := p.options(t, "staging", "hello-go", p.web(t, lab.Web{Text: "after the kill"}), nil)
	log := o.ArgoCD.Log
	o.ArgoCD.Log = nil
	commits := p.gitops.Commits(t, "main")
	child := killtest.Command(t, o)
	must(t, child.Start())
	p.committed(t, commits)
	must(t, child.Process.Kill())
	if err := child.Wait(); !killtest.Killed(err) {
		t.Fatalf("the child was not killed: %v", err)
	}
	o.ArgoCD.Log = log
	if r := p.run(t, o); r.Changed || r.Health != "Healthy" || p.gitops.Commits(t, "main") != commits+1 {
		t.Errorf("%+v, and %d commits after %d", r, p.gitops.Commits(t, "main"), commits)
	}
}
