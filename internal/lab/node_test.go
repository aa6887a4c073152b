package lab_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/internal/lab"
)

// workload is a Deployment as the base chart makes them, and its Service.
func workload(name, image string) []byte {
	return fmt.Appendf(nil, `
apiVersion: v1
kind: Service
metadata: {name: %[1]s, namespace: default}
spec:
  selector: {app: %[1]s}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: web
          image: %[2]s
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 1}
          livenessProbe: {httpGet: {path: /healthz, port: http}}
          resources:
            requests: {cpu: 20m, memory: 32Mi}
            limits: {cpu: 500m, memory: 64Mi}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {medium: Memory, sizeLimit: 8Mi}}]
`, name, image)
}

// allReady complains of a Deployment that is not.
func allReady(o *unstructured.Unstructured) error {
	want, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
	ready, _, _ := unstructured.NestedInt64(o.Object, "status", "readyReplicas")
	if ready != want {
		return fmt.Errorf("%d of %d are ready: %v", ready, want, o.Object["status"])
	}
	return nil
}

func TestARealNodeRunsPodsThatAnswer(t *testing.T) {
	l := lab.Start(t, lab.Kubelet)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	image, err := lab.WebImage(ctx, lab.Web{Text: "hello from a pod"})
	must(t, err)
	ref, err := l.Push(ctx, "demo/web:1", image)
	must(t, err)
	must(t, l.ApplyYAML(ctx, workload("web", ref)))
	must(t, l.Await(ctx, "apps/v1", "Deployment", "default", "web", allReady))
	status, body, err := l.HTTP(ctx, "default", "web", "http", "/")
	must(t, err)
	if status != http.StatusOK || string(body) != "hello from a pod" {
		t.Errorf("got %d, %s", status, body)
	}
}

func TestANodeThatOnlySaysSoTakesPods(t *testing.T) {
	l := lab.Start(t, lab.Kwok)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	must(t, l.ApplyYAML(ctx, workload("web", "registry.example.com/demo/web:1")))
	must(t, l.Await(ctx, "apps/v1", "Deployment", "default", "web", allReady))
}
