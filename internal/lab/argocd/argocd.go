// Package argocd runs a real Argo CD in a lab: Redis, the repository server,
// the application controller and the applicationset controller, as processes
// with the lab's cluster as their own. The API server and Dex, which nothing
// here speaks to, are left out.
package argocd

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/lab/controlplane"
	"github.com/pave-platform/pave/internal/lab/kube"
	"github.com/pave-platform/pave/internal/lab/server"
)

// Version is what it says it is, and the version in hack/lab/argocd/argocd/go.mod.
const Version = "v3.5.7"

// Namespace has Argo CD's objects.
const Namespace = "argocd"

const (
	module      = "argocd/argocd"
	sourceOfAll = "github.com/argoproj/argo-cd/v3"
)

var (
	argoCD = program.Program{
		Name: "argocd", Module: module, Package: sourceOfAll + "/cmd",
		LDFlags: "-X " + sourceOfAll + "/common.version=" + strings.TrimPrefix(Version, "v"),
	}
	helm      = program.Program{Name: "helm4", Module: "argocd/helm", Package: "helm.sh/helm/v4/cmd/helm"}
	kustomize = program.Program{Name: "kustomize", Module: "argocd/kustomize", Package: "sigs.k8s.io/kustomize/kustomize/v5"}
)

// Programs are what Start builds on first use.
var Programs = []program.Program{argoCD, helm, kustomize}

// Options say where Argo CD runs.
type Options struct {
	Runner  server.Runner
	Dial    server.Dialer
	Dir     string // for its files
	Cluster *controlplane.Cluster
	Refresh time.Duration // how often it looks at repositories by itself
	CA      []byte        // PEM: what it trusts from the start
}

// ArgoCD is running.
type ArgoCD struct {
	o        Options
	manifest string // the folder of its own manifests
	mirror   mirror
}

// Start starts it and waits until its processes say that they are well.
func Start(ctx context.Context, o Options) (*ArgoCD, error) {
	path, err := argoCD.Path(ctx)
	if err != nil {
		return nil, err
	}
	source, err := program.Source(ctx, module, sourceOfAll)
	if err != nil {
		return nil, err
	}
	a := &ArgoCD{o: o, manifest: filepath.Join(source, "manifests")}
	a.mirror = mirror{dir: o.Dir}
	if err := a.folders(ctx, source); err != nil {
		return nil, fmt.Errorf("files of Argo CD: %w", err)
	}
	if err := a.objects(ctx); err != nil {
		return nil, fmt.Errorf("objects of Argo CD: %w", err)
	}
	if err := a.mirror.start(ctx, o.Cluster.Client); err != nil {
		return nil, err
	}
	all, ctx := errgroup.WithContext(ctx)
	for _, s := range a.servers(path) {
		all.Go(func() error { return server.StartReady(ctx, o.Runner, o.Dial, s) })
	}
	return a, all.Wait()
}

// Close ends what runs in this program; the processes are the runner's.
func (a *ArgoCD) Close() { a.mirror.stop() }

// objects installs the definitions and what an installation has: its settings
// and the project that takes everything.
func (a *ArgoCD) objects(ctx context.Context) error {
	c := a.o.Cluster.Client
	definitions, err := readAll(filepath.Join(a.manifest, "crds"), "*-crd.yaml")
	if err != nil {
		return err
	}
	if err := c.Install(ctx, definitions); err != nil {
		return err
	}
	if err := c.Namespace(ctx, Namespace, nil); err != nil {
		return err
	}
	settings, err := readAll(filepath.Join(a.manifest, "base", "config"), "argocd-*.yaml")
	if err != nil {
		return err
	}
	for _, s := range append(settings, defaultProject()) {
		s.SetNamespace(Namespace)
		if s.GetName() == "argocd-secret" { // its API server would make the key, and without one nothing starts
			key := base64.StdEncoding.EncodeToString([]byte(rand.Text()))
			if err := unstructured.SetNestedField(s.Object, key, "data", "server.secretkey"); err != nil {
				return err
			}
		}
		if _, err := c.Apply(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// defaultProject is what its API server makes at its first start.
func defaultProject() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
		"metadata": map[string]any{"name": "default"},
		"spec": map[string]any{
			"sourceRepos":              []any{"*"},
			"destinations":             []any{map[string]any{"server": "*", "namespace": "*"}},
			"clusterResourceWhitelist": []any{map[string]any{"group": "*", "kind": "*"}},
		},
	}}
}

// readAll gives the objects in the files of a folder.
func readAll(dir, pattern string) ([]*unstructured.Unstructured, error) {
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return nil, err
	}
	var all []*unstructured.Unstructured
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		objects, err := kube.Documents(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		all = append(all, objects...)
	}
	return all, nil
}

// Trust makes Argo CD trust a host, of an https:// repository or registry, by
// the CA in pem: in the ConfigMap where its administrators would put it.
func (a *ArgoCD) Trust(ctx context.Context, host string, pem []byte) error {
	if err := a.appendCA(pem); err != nil {
		return err
	}
	resource, err := a.o.Cluster.Resource(configMap, Namespace)
	if err != nil {
		return err
	}
	certificates, err := resource.Get(ctx, certificatesMap, metav1.GetOptions{})
	if err != nil {
		return err
	}
	have, _, _ := unstructured.NestedString(certificates.Object, "data", host)
	if err := unstructured.SetNestedField(certificates.Object, have+string(pem), "data", host); err != nil {
		return err
	}
	if certificates, err = resource.Update(ctx, certificates, metav1.UpdateOptions{FieldManager: kube.FieldManager}); err != nil {
		return err
	}
	return a.mirror.write(certificates) // not only when the watch comes to it
}
