// Package kubernetes starts a real API server for tests: etcd and
// kube-apiserver as processes on loopback, in a folder of their own, gone when
// the test ends. Nothing runs behind it: objects are admitted, stored and
// served, and no controller acts on them.
package kubernetes

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/dev/ca"
)

// Version is what the server says it is, and the version in components/go.mod.
const Version = "v1.36.3"

// nowhere is what etcd tells its peers of itself. It has none, and listens on
// sockets in the folder, so that only this user reaches it.
const nowhere = "http://127.0.0.1:1"

const versionPackage = "k8s.io/component-base/version"

var (
	etcd = program.Program{Name: "etcd", Module: "kubernetes/etcd", Package: "go.etcd.io/etcd/server/v3"}

	apiserver = program.Program{
		Name: "kube-apiserver", Module: "kubernetes/components", Package: "k8s.io/kubernetes/cmd/kube-apiserver",
		LDFlags: "-X " + versionPackage + ".gitVersion=" + Version + " -X " + versionPackage + ".gitMajor=1 -X " + versionPackage + ".gitMinor=36",
	}
)

// Cluster is a running API server.
type Cluster struct {
	Config     *rest.Config // an administrator's
	Kubeconfig string       // the same as a file

	*client
}

// Start starts an API server and waits until it is ready: seconds, after the
// minutes in which it is compiled once.
func Start(t testing.TB) *Cluster {
	t.Helper()
	etcdPath, serverPath := program.Binary(t, etcd), program.Binary(t, apiserver)
	dir, err := os.MkdirTemp("", "pave-k8s-") // short: a socket's path may have 107 bytes
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := func(name string) string { return filepath.Join(dir, name) }
	certs, err := ca.Run(t.Context(), ca.Options{Dir: dir, Hosts: []string{"127.0.0.1", "localhost", "kubernetes.default.svc"}})
	must(t, err)
	token := rand.Text()
	must(t, os.WriteFile(file("tokens.csv"), []byte(token+`,admin,admin,"system:masters"`+"\n"), 0o600))

	store := start(t, "etcd", etcdPath,
		"--data-dir="+file("etcd"), "--unsafe-no-fsync", // it is thrown away
		"--listen-client-urls=unix://"+file("etcd.sock"), "--advertise-client-urls="+nowhere,
		"--listen-peer-urls=unix://"+file("peer.sock"), "--initial-advertise-peer-urls="+nowhere, "--initial-cluster=default="+nowhere,
		"--log-level=warn")
	port := reservePort(t)
	server := start(t, "kube-apiserver", serverPath,
		"--etcd-servers=unix://"+file("etcd.sock"),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--permit-port-sharing",
		"--tls-cert-file="+certs.Cert, "--tls-private-key-file="+certs.Key, "--cert-dir="+dir,
		"--token-auth-file="+file("tokens.csv"), "--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none", "--profiling=false",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+certs.Cert, "--service-account-signing-key-file="+certs.Key)

	config := &rest.Config{
		Host: fmt.Sprintf("https://127.0.0.1:%d", port), BearerToken: token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: certs.CA},
		QPS:             -1, // no limit: this server has one client
		Proxy:           http.ProxyURL(nil),
	}
	ready(t, config, store, server)
	c := &Cluster{Config: config, Kubeconfig: file("kubeconfig"), client: newClient(t, config)}
	must(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"lab": {Server: config.Host, CertificateAuthority: certs.CA}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"admin": {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{"lab": {Cluster: "lab", AuthInfo: "admin"}},
		CurrentContext: "lab",
	}, c.Kubeconfig))
	return c
}

// ready waits until the server says so, or one of the processes has ended.
func ready(t testing.TB, config *rest.Config, processes ...*process) {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for last := error(nil); ; {
		for _, p := range processes {
			must(t, p.ended())
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+"/readyz", http.NoBody)
		must(t, err)
		if answer, err := client.Do(request); err != nil {
			last = err
		} else if answer.Body.Close(); answer.StatusCode == http.StatusOK {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("kube-apiserver is not ready: %v (%v)", ctx.Err(), last)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
