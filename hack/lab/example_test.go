package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/lab"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/chart"
)

const (
	example = "../../examples/hello-go/platform.yaml"
	canary  = "../../golden-path/render/testdata/canary.yaml"
)

// project is what a project has before anything is deployed in it: a namespace,
// an AppProject, and Argo CD's way to the charts.
const project = `
apiVersion: v1
kind: Namespace
metadata:
  name: demo-staging
  labels: {managed-by: idp-platform, pod-security.kubernetes.io/enforce: restricted}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: demo, namespace: argocd}
spec:
  sourceRepos: ["*"]
  destinations: [{server: https://kubernetes.default.svc, namespace: demo-*}]
---
apiVersion: v1
kind: Secret
metadata:
  name: charts
  namespace: argocd
  labels: {argocd.argoproj.io/secret-type: repository}
stringData: {type: helm, name: charts, url: %q, enableOCI: "true", insecureOCIForceHttp: "true"}
---
apiVersion: v1
kind: Secret
metadata:
  name: charts-over-tls
  namespace: argocd
  labels: {argocd.argoproj.io/secret-type: repository}
stringData: {type: helm, name: charts-over-tls, url: %q, enableOCI: "true", username: %q, password: %q}
`

// TestTheBaseChartBecomesHealthyAndAnswers is what the lab is for: what the
// pipeline writes, reconciled by the real Argo CD, on a real node.
func TestTheBaseChartBecomesHealthyAndAnswers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	secured := registrytest.New(t, registrytest.Options{})
	l := lab.Start(t, lab.ArgoCD, lab.Kubelet, lab.Registry, lab.Rollouts, lab.CertManager)
	must(t, l.Reach(ctx, secured.Host))
	_, port, err := net.SplitHostPort(secured.Host)
	must(t, err)
	host := net.JoinHostPort("localhost", port) // Argo CD trusts by host: the plain registry has 127.0.0.1
	must(t, l.Trust(ctx, host, secured.CAFile))
	plainly, safely := l.Registry+"/demo/charts", host+"/demo/charts"
	must(t, l.ApplyYAML(ctx, fmt.Appendf(nil, project, plainly, safely, secured.Username, secured.Password)))
	for name, c := range map[string]struct {
		file, charts string
		client       registry.Options
	}{
		"hello-go":     {example, plainly, registry.Options{}},
		"hello-canary": {canary, safely, secured.Options()},
	} {
		t.Run(name, func(t *testing.T) {
			pushed, err := chart.Push(ctx, chart.PushOptions{Repository: c.charts, Registry: c.client})
			must(t, err)
			image, err := lab.WebImage(ctx, lab.Web{Text: "this is " + name})
			must(t, err)
			ref, err := l.Push(ctx, "demo/"+name+":1", image)
			must(t, err)
			must(t, l.ApplyYAML(ctx, application(ctx, t, name, c.file, ref, gitops.Chart{Repository: c.charts, Name: pushed.Name, Version: pushed.Version})))
			must(t, l.AwaitHealthy(ctx, "argocd", "demo-staging-"+name, pushed.Version))
			status, body, err := l.HTTP(ctx, "demo-staging", name, "http", "/")
			must(t, err)
			if status != http.StatusOK || string(body) != "this is "+name {
				t.Errorf("got %d, %s", status, body)
			}
		})
	}
}

// application is what deploy would write for the platform.yaml in file.
func application(ctx context.Context, t *testing.T, name, file, image string, c gitops.Chart) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	_, err := chart.Values(ctx, chart.ValuesOptions{File: file, Environment: "staging", Image: image, Output: path})
	must(t, err)
	data, err := os.ReadFile(path)
	must(t, err)
	var values map[string]any
	must(t, yaml.Unmarshal(data, &values))
	values["name"] = name
	a := gitops.Application{
		Target:  gitops.Target{Project: "demo", Environment: "staging", App: name},
		Release: gitops.Release{Image: image, Chart: c, Values: values},
	}
	written, err := a.Render()
	must(t, err)
	return written
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
