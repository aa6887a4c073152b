// Package operators runs the controllers of operators whose objects the base
// chart makes, so that what Argo CD waits for comes to be: Argo Rollouts, and
// cert-manager with the platform's CA.
package operators

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/lab/controlplane"
	"github.com/pave-platform/pave/internal/lab/server"
)

var (
	rollouts = program.Program{
		Name: "rollouts-controller", Module: "operators/rollouts", Package: "github.com/argoproj/argo-rollouts/cmd/rollouts-controller",
	}
	certManager = program.Program{
		Name: "certmanager", Module: "operators/certmanager", Package: "github.com/pave-platform/pave/hack/lab/operators/certmanager",
	}
)

// What each needs to be built.
var (
	RolloutsPrograms    = []program.Program{rollouts}
	CertManagerPrograms = []program.Program{certManager}
)

// Options say where a controller runs.
type Options struct {
	Runner  server.Runner
	Dial    server.Dialer
	Dir     string // for its files
	Cluster *controlplane.Cluster
}

// StartRollouts starts the Argo Rollouts controller, whose definitions and
// Traefik's are installed.
func StartRollouts(ctx context.Context, o Options) error {
	if err := o.Cluster.Namespace(ctx, "argo-rollouts", nil); err != nil {
		return err
	}
	return o.start(ctx, rollouts, server.Spec{
		URL: "http://127.0.0.1:8880/healthz",
		Args: []string{
			"--kubeconfig=" + o.Cluster.Kubeconfig, "--namespace=argo-rollouts", "--leader-elect=false",
			"--healthzPort=8880", "--metricsport=8890",
			"--traefik-api-group=traefik.io", "--traefik-api-version=traefik.io/v1alpha1",
		},
	})
}

const (
	certManagerNamespace = "cert-manager"
	certManagerAddress   = "127.0.0.1:9403"
)

// Issuer is the ClusterIssuer that the base chart names by default.
const Issuer = "platform-ca"

// StartCertManager starts cert-manager's controllers, whose definitions are
// installed, and makes the ClusterIssuer, of the lab's own CA.
func StartCertManager(ctx context.Context, o Options) error {
	if err := o.Cluster.Namespace(ctx, certManagerNamespace, nil); err != nil {
		return err
	}
	authority, err := issuer(o.Cluster.CAFile, o.Cluster.CAKeyFile)
	if err != nil {
		return err
	}
	for _, object := range authority {
		if _, err := o.Cluster.Apply(ctx, object); err != nil {
			return err
		}
	}
	return o.start(ctx, certManager, server.Spec{
		Address: certManagerAddress,
		Args: []string{
			"--kubeconfig=" + o.Cluster.Kubeconfig, "--health=" + certManagerAddress, "--cluster-resource-namespace=" + certManagerNamespace,
		},
	})
}

// issuer is the ClusterIssuer and its Secret.
func issuer(caFile, keyFile string) ([]*unstructured.Unstructured, error) {
	data := map[string]any{}
	for key, file := range map[string]string{"tls.crt": caFile, "tls.key": keyFile} {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		data[key] = base64.StdEncoding.EncodeToString(content)
	}
	return []*unstructured.Unstructured{
		{Object: map[string]any{
			"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data,
			"metadata": map[string]any{"name": Issuer, "namespace": certManagerNamespace},
		}},
		{Object: map[string]any{
			"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": map[string]any{"name": Issuer},
			"spec": map[string]any{"ca": map[string]any{"secretName": Issuer}},
		}},
	}, nil
}

func (o Options) start(ctx context.Context, p program.Program, s server.Spec) error {
	path, err := p.Path(ctx)
	if err != nil {
		return err
	}
	s.Name, s.Path, s.Log, s.Env = p.Name, path, filepath.Join(o.Dir, p.Name+".log"), []string{"HOME=" + o.Dir}
	if err := server.StartReady(ctx, o.Runner, o.Dial, s); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}
