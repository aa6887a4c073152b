package cluster_test

import (
	"log/slog"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/hack/lab/kubernetes"
	"github.com/pave-platform/pave/internal/dev/talos"
)

func TestTheKubeconfigOpensARealAPIServer(t *testing.T) {
	t.Parallel()
	server := kubernetes.Start(t)
	backend, err := talos.NewBackend(server.Config, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 3, Workers: 1, Kubernetes: backend, Joined: backend.Joined})
	o := options(c)
	if r := run(t, o); r.Kubernetes != kubernetes.Version {
		t.Errorf("got %+v", r)
	}
	config, err := clientcmd.BuildConfigFromFlags("", o.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	api, err := client.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	made, err := api.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "by-phase-2"}}, metav1.CreateOptions{})
	if err != nil || made.UID == "" {
		t.Errorf("got %v, %v", made, err)
	}
	for { // the nodes register by themselves
		s, ready := look(t, c), 0
		for _, n := range s.Nodes {
			if n.Registered == "Ready" && n.Kubelet == "v1.36.3" {
				ready++
			}
		}
		if s.Healthy && ready == 4 {
			return
		}
		if t.Context().Err() != nil {
			t.Fatalf("got %+v", s)
		}
	}
}
