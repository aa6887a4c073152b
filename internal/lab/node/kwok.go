package node

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/lab/server"
)

const (
	kwokModule = "node/kwok"
	kwokSource = "sigs.k8s.io/kwok"
)

var kwok = program.Program{Name: "kwok", Module: kwokModule, Package: kwokSource + "/cmd/kwok"}

// KwokPrograms are what StartKwok builds on first use.
var KwokPrograms = []program.Program{kwok}

// stages say what becomes of nodes and pods: they are well at once.
var stages = []string{
	"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
	"pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml", "pod/fast/pod-delete.yaml",
}

// StartKwok starts a node that says of every pod that it runs.
func StartKwok(ctx context.Context, o Options) error {
	path, err := kwok.Path(ctx)
	if err != nil {
		return err
	}
	source, err := program.Source(ctx, kwokModule, kwokSource)
	if err != nil {
		return err
	}
	var config []string
	for _, s := range stages {
		data, err := os.ReadFile(filepath.Join(source, "kustomize", "stage", s))
		if err != nil {
			return err
		}
		config = append(config, string(data))
	}
	file := filepath.Join(o.Dir, "stages.yaml")
	if err := os.WriteFile(file, []byte(strings.Join(config, "\n---\n")), 0o644); err != nil {
		return err
	}
	if _, err := o.Cluster.Apply(ctx, fakeNode()); err != nil {
		return err
	}
	if err := server.StartReady(ctx, o.Runner, o.Dial, server.Spec{
		Name: kwok.Name, Path: path, Log: filepath.Join(o.Dir, "kwok.log"), URL: "http://127.0.0.1:10247/healthz",
		Env: []string{"HOME=" + o.Dir},
		Args: []string{
			"--kubeconfig=" + o.Cluster.Kubeconfig, "--config=" + file, "--manage-all-nodes=false",
			"--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake", "--server-address=127.0.0.1:10247", "--node-lease-duration-seconds=40",
		},
	}); err != nil {
		return err
	}
	return ready(ctx, o.Cluster)
}

func fakeNode() *unstructured.Unstructured {
	resources := map[string]any{"cpu": "32", "memory": "256Gi", "pods": "1000"}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{
			"name":        Name,
			"annotations": map[string]any{"kwok.x-k8s.io/node": "fake"},
			"labels":      map[string]any{"kubernetes.io/hostname": Name, "kubernetes.io/os": "linux", "type": "kwok"},
		},
		"status": map[string]any{"allocatable": resources, "capacity": resources},
	}}
}
