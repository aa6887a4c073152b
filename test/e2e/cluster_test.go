package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	labs "github.com/pave-platform/pave/internal/lab"
)

// prepared is what the cluster has before anything is deployed: namespaces, and Argo CD's
// way to the charts and to the GitOps repository.
const prepared = `
apiVersion: v1
kind: Namespace
metadata: {name: demo-staging, labels: {managed-by: idp-platform}}
---
apiVersion: v1
kind: Namespace
metadata: {name: demo-production, labels: {managed-by: idp-platform}}
---
apiVersion: v1
kind: Secret
metadata: {name: charts, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: helm, name: charts, url: %[1]s/platform/charts, enableOCI: "true", username: robot, password: %[2]s}
---
apiVersion: v1
kind: Secret
metadata: {name: gitops, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: git, url: %[3]s, username: bot, password: %[4]s}
`

// TestTheWayEndsInAHealthyApplication goes the golden path, and then the promotion, with a
// real Argo CD at the end: the calls end when it says Synced and Healthy.
func TestTheWayEndsInAHealthyApplication(t *testing.T) {
	t.Parallel()
	const repository = "cluster/gitops"
	url := "https://" + platform.git.host + "/" + repository + ".git"
	host, _, err := net.SplitHostPort(platform.git.host)
	must(t, err)
	l := labs.Start(t, labs.ArgoCD, labs.Kwok, labs.CRDs, labs.CertManager, labs.At(netip.MustParseAddr(host)))
	must(t, l.Reach(t.Context(), platform.git.host, platform.registry.host))
	must(t, l.Trust(t.Context(), platform.registry.host, platform.ca))
	must(t, l.ApplyYAML(t.Context(), fmt.Appendf(nil, prepared, platform.registry.host, os.Getenv("HARBOR_TOKEN"), url, os.Getenv("GITOPS_TOKEN"))))
	follow(t, l, url)

	kubeconfig := portable(t, l.Kubeconfig)
	app := application(t, nil)
	path := append(platform.goldenPath(repository), "--kubeconfig=file://"+kubeconfig, "--timeout=5m")
	for range 2 {
		dagger(t, app, append(path, "run")...).succeed(t)
	}
	must(t, l.AwaitHealthy(t.Context(), "argocd", "demo-staging-hello-go", ""))
	ref := strings.TrimSpace(dagger(t, app, append(path, "publish")...).succeed(t).stdout)
	values := filepath.Join(t.TempDir(), "production.yaml")
	render := exec.CommandContext(t.Context(), platform.pave(), "chart", "values", "--environment", "production", "--image", ref, "--output", values)
	render.Dir = app
	if out, err := render.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	public := filepath.Join(filepath.Dir(platform.key), "cosign.pub")
	promote := []string{
		"call", "-m", filepath.Join(platform.repository, "modules", "promote"), "--repository=" + url, "--username=bot", "--token=env://GITOPS_TOKEN",
		"--ca=" + platform.ca, "--registry-user=robot", "--registry-password=env://HARBOR_TOKEN", "--public-key=" + public,
		"--kubeconfig=file://" + kubeconfig, "run", "--project=demo", "--app=hello-go", "--values=" + values, "--wait", "--timeout=5m",
	}
	if early := dagger(t, app, append(promote, "--soak=1h")...); early.code != 3 || !strings.Contains(early.stderr, "(--soak)") {
		t.Errorf("exit code %d before the soak is over, want 3\n%s", early.code, early.stderr)
	}
	dagger(t, app, append(promote, "--soak=1s")...).succeed(t)
	must(t, l.AwaitHealthy(t.Context(), "argocd", "demo-production-hello-go", ""))
}

// follow makes Argo CD follow the repository, as the platform's team does once.
func follow(t *testing.T, l *labs.Lab, url string) {
	t.Helper()
	rendered := t.TempDir()
	options := []string{"--chart-repository", platform.registry.host + "/platform/charts", "--project", "demo=demo-developers"}
	for _, args := range [][]string{
		append([]string{"gitops", "init", "--repository", url, "--username", "bot", "--token-env", "GITOPS_TOKEN", "--ca-file", platform.ca}, options...),
		append([]string{"gitops", "render", "--output", rendered, "--argocd-repository", url}, options...),
	} {
		if out, err := exec.CommandContext(t.Context(), platform.pave(), args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for _, name := range []string{"appproject-platform.yaml", "platform.yaml"} {
		manifest, err := os.ReadFile(filepath.Join(rendered, "platform", name))
		must(t, err)
		must(t, l.ApplyYAML(t.Context(), manifest))
	}
}

// portable copies a kubeconfig into one without paths, for use in a container.
func portable(t *testing.T, kubeconfig string) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(kubeconfig)
	must(t, err)
	must(t, clientcmdapi.FlattenConfig(config))
	file := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, clientcmd.WriteToFile(*config, file))
	return file
}
