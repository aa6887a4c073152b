package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pave-platform/pave/golden-path/gitops"
	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/lab"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/chart"
	"github.com/pave-platform/pave/steps/deploy"
	"github.com/pave-platform/pave/steps/promote"
	"github.com/pave-platform/pave/steps/sign"
)

// following is a real Argo CD that follows a GitOps repository of project shop, a real
// node, and a registry with the base chart.
type following struct {
	*lab.Lab
	git          gittest.Repository
	url, charts  string
	chartVersion string
	dir          string
}

// setUp is what the platform has besides what pave gitops init writes.
const setUp = `
apiVersion: v1
kind: Secret
metadata: {name: charts, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: helm, name: charts, url: %q, enableOCI: "true", username: %q, password: %q}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop-staging}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop-production}
`

func newCluster(t *testing.T) *following {
	t.Helper()
	l := lab.Start(t, lab.ArgoCD, lab.Kubelet, lab.Registry, lab.Git, lab.Refresh(time.Hour)) // what comes sooner was asked for
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	repository, err := l.Repository(ctx, "gitops")
	check(t, err)
	charts := registrytest.Distribution(t, registrytest.Options{})
	check(t, l.Reach(ctx, charts.Host))
	check(t, l.Trust(ctx, charts.Host, charts.CAFile))
	c := &following{Lab: l, git: gittest.Repository{Dir: repository.Dir}, url: repository.URL, charts: charts.Ref("shop/charts"), dir: t.TempDir()}
	check(t, l.ApplyYAML(ctx, fmt.Appendf(nil, setUp, c.charts, charts.Username, charts.Password)))
	ok(t, &gitops.Result{}, "gitops", "init", "--repository", c.url, "--chart-repository", c.charts, "--project", "shop")
	for _, once := range []string{"platform/appproject-platform.yaml", "platform/platform.yaml"} {
		check(t, l.ApplyYAML(ctx, []byte(c.git.File(t, "main", once))))
	}
	var pushed chart.PushResult
	ok(t, &pushed, append(charts.Flags(), "chart", "push", "--repository", c.charts)...)
	c.chartVersion = pushed.Version
	ok(t, &sign.KeygenResult{}, "sign", "keygen", "--output-dir", c.dir)
	return c
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *following) file(name string) string { return filepath.Join(c.dir, name) }

func (c *following) values(t *testing.T, environment, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	writeFile(t, path, "team: checkout\nproject: shop\nenvironment: "+environment+"\nprobes: {readiness: {path: /readyz}}\n"+more)
	return path
}

// patient is more than any rollout of these tests takes on a busy machine.
const patient = "4m"

// release publishes a web application that answers with text, signs it, and deploys
// it to staging.
func (c *following) release(t *testing.T, text string) (digest string) {
	t.Helper()
	built, err := lab.WebImage(t.Context(), lab.Web{Text: text})
	check(t, err)
	ref, err := c.Push(t.Context(), "shop/web:"+text, built)
	check(t, err)
	ok(t, &sign.ImageResult{}, "sign", "image", "--ref", ref, "--key-file", c.file("cosign.key"))
	var r deploy.Result
	ok(t, &r, "deploy", "app", "--repository", c.url, "--project", "shop", "--environment", "staging", "--app", "web", "--image", ref,
		"--revision", promotedCommit, "--chart-repository", c.charts, "--chart-version", c.chartVersion,
		"--values", c.values(t, "staging", ""), "--kubeconfig-file", c.Kubeconfig, "--wait", "--timeout", patient)
	_, digest, _ = strings.Cut(ref, "@")
	return digest
}

func (c *following) promote(verb string, more ...string) []string {
	return append([]string{"promote", verb, "--repository", c.url, "--project", "shop", "--app", "web", "--by", "Jane",
		"--public-key", c.file("cosign.pub"), "--require", "", "--kubeconfig-file", c.Kubeconfig, "--wait", "--timeout", patient}, more...)
}

// answers checks what production's pods say.
func (c *following) answers(t *testing.T, want string) {
	t.Helper()
	status, body, err := c.HTTP(t.Context(), "shop-production", "web", "http", "/")
	if err != nil || status != http.StatusOK || string(body) != want {
		t.Errorf("production answers %d %q (%v), want %q", status, body, err, want)
	}
}

// soaked promotes as soon as the cluster says that staging has been Healthy for long
// enough.
func (c *following) soaked(t *testing.T, args []string) (r promote.Result) {
	t.Helper()
	for {
		code, stdout, stderr := gateCommandLine(append(args, "--soak", "2s", "--json")...)
		if code == 0 {
			check(t, json.Unmarshal([]byte(stdout), &r))
			return r
		}
		if code != 3 || !strings.Contains(stderr, "are asked for (--soak)") {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(stderr)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// failed runs a promotion that is to be taken back.
func (c *following) failed(t *testing.T, args []string, words ...string) (r promote.Result) {
	t.Helper()
	code, stdout, stderr := gateCommandLine(append(args, "--json")...)
	if code != 1 {
		t.Fatalf("exit %d, want 1: %s%s", code, stdout, stderr)
	}
	check(t, json.Unmarshal([]byte(stdout), &r))
	for _, w := range words {
		if !strings.Contains(stderr, w) {
			t.Errorf("it does not say %q: %s", w, stderr)
		}
	}
	return r
}

// TestAReleaseOnARealCluster goes from staging to production when it has soaked, and
// comes back by itself when its next version is not well there.
func TestAReleaseOnARealCluster(t *testing.T) {
	c := newCluster(t)
	first := c.release(t, "one")
	good := c.promote("run", "--values", c.values(t, "production", "replicas: 2\n"))

	says(t, 3, append(slices.Clone(good), "--soak", "24h"), "web of staging is Healthy for ", "24h0m0s are asked for (--soak)")
	if r := c.soaked(t, good); !r.Changed || r.Digest != first || r.Rollout == nil || !r.Rollout.Healthy || r.Soak == nil || !slices.Equal(r.Verified, []string{"signature"}) {
		t.Fatalf("%+v", r)
	}
	c.answers(t, "one")

	second := c.release(t, "two")
	bad := append(c.promote("run", "--values", c.values(t, "production", "replicas: 2\nenv: {WEB_CRASH: \"1\"}\n")), "--timeout", "30s")
	r := c.failed(t, bad, "did not become Healthy in ", "which is Healthy", "--again")
	if r.TakenBack == nil || !r.TakenBack.Healthy || r.TakenBack.Digest != first || r.Digest != second || len(r.Rollout.Problems) == 0 {
		t.Fatalf("%+v, %+v", r.Rollout, r.TakenBack)
	}
	if problem := r.Rollout.Problems[0]; problem.Reason != argocd.CrashLoop || !strings.Contains(r.TakenBack.Reason, problem.Text) {
		t.Errorf("it does not say what was wrong: %+v: %s", problem, r.TakenBack.Reason)
	}
	c.answers(t, "one")

	head := c.git.Head(t, "main")
	again := c.failed(t, bad, "(commit "+r.Commit+") did not become Healthy", "(commit "+r.TakenBack.Commit+"), which is Healthy")
	if c.git.Head(t, "main") != head || again.TakenBack == nil {
		t.Errorf("a second run: %+v", again)
	}

	// Argo CD is away when the commit comes, and comes back.
	check(t, c.Stop(t.Context(), controller))
	resumed := make(chan error)
	go func() {
		before := c.git.Commits(t, "main")
		for c.git.Commits(t, "main") == before && t.Context().Err() == nil {
			time.Sleep(50 * time.Millisecond)
		}
		resumed <- c.Resume(t.Context(), controller)
	}()
	var mended promote.Result
	ok(t, &mended, good...)
	check(t, <-resumed)
	if !mended.Changed || !mended.Rollout.Healthy || mended.Digest != second {
		t.Fatalf("%+v", mended)
	}
	c.answers(t, "two")

	var back promote.Result
	ok(t, &back, c.promote("rollback", "--environment", "production", "--reason", "errors")...)
	if !back.Changed || !back.Rollout.Healthy || back.Digest != first {
		t.Fatalf("%+v", back)
	}
	c.answers(t, "one")
}

const controller = "argocd-application-controller"
