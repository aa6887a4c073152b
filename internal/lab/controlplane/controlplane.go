// Package controlplane starts the servers that are Kubernetes: etcd and the API
// server, which is a cluster that admits, stores and serves objects, and on
// demand the controllers that act on them.
package controlplane

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/lab/kube"
	"github.com/pave-platform/pave/internal/lab/server"
)

// nowhere is what etcd tells its peers of itself. It has none, and listens on
// sockets in the folder, so that only this user reaches it.
const nowhere = "http://127.0.0.1:1"

// Options say where the API server runs.
type Options struct {
	Runner  server.Runner
	Dir     string     // for its files; short: a socket's path may have 107 bytes
	Address netip.Addr // clients find it here
	Port    int
	Bind    netip.Addr // it listens here; zero: Address
}

// Cluster is a running API server.
type Cluster struct {
	*kube.Client

	Config     *rest.Config // an administrator's
	Kubeconfig string       // the same as a file
	CAFile     string       // trusts the server

	Servers []server.Process

	options Options
	certs   ca.Result
}

// Start starts an API server and waits until it is ready: seconds, after the
// minutes in which it is compiled once.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if !o.Bind.IsValid() {
		o.Bind = o.Address
	}
	c := &Cluster{options: o, Kubeconfig: filepath.Join(o.Dir, "kubeconfig")}
	hosts := []string{"127.0.0.1", "localhost", "kubernetes.default.svc"}
	if !o.Address.IsLoopback() {
		hosts = append(hosts, o.Address.String())
	}
	var err error
	if c.certs, err = ca.Run(ctx, ca.Options{Dir: o.Dir, Hosts: hosts}); err != nil {
		return nil, err
	}
	c.CAFile = c.certs.CA
	token := rand.Text()
	if err := os.WriteFile(c.file("tokens.csv"), []byte(token+`,admin,admin,"system:masters"`+"\n"), 0o600); err != nil {
		return nil, err
	}
	c.Config = &rest.Config{
		Host: fmt.Sprintf("https://%s:%d", o.Address, o.Port), BearerToken: token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: c.CAFile},
		QPS:             -1, // no limit: this server has few clients
		Proxy:           http.ProxyURL(nil),
	}
	if err := writeKubeconfig(c.Kubeconfig, c.Config); err != nil {
		return nil, err
	}
	if err := c.startServers(ctx); err != nil {
		return nil, err
	}
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	c.Client, err = kube.New(c.Config)
	return c, err
}

func (c *Cluster) file(name string) string { return filepath.Join(c.options.Dir, name) }

func (c *Cluster) startServers(ctx context.Context) error {
	if err := c.start(ctx, etcd,
		"--data-dir="+c.file("etcd"), "--unsafe-no-fsync", // it is thrown away
		"--listen-client-urls=unix://"+c.file("etcd.sock"), "--advertise-client-urls="+nowhere,
		"--listen-peer-urls=unix://"+c.file("peer.sock"), "--initial-advertise-peer-urls="+nowhere, "--initial-cluster=default="+nowhere,
		"--log-level=warn"); err != nil {
		return err
	}
	return c.start(ctx, apiServer,
		"--etcd-servers=unix://"+c.file("etcd.sock"),
		"--bind-address="+c.options.Bind.String(), "--advertise-address="+c.options.Address.String(),
		fmt.Sprintf("--secure-port=%d", c.options.Port), "--permit-port-sharing",
		"--tls-cert-file="+c.certs.Cert, "--tls-private-key-file="+c.certs.Key, "--cert-dir="+c.options.Dir,
		"--token-auth-file="+c.file("tokens.csv"), "--authorization-mode=RBAC", "--allow-privileged",
		"--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none", "--profiling=false",
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.certs.Cert, "--service-account-signing-key-file="+c.certs.Key)
}

// writeKubeconfig writes config as a file for clients.
func writeKubeconfig(path string, config *rest.Config) error {
	return clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"lab": {Server: config.Host, CertificateAuthority: config.CAFile}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"admin": {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{"lab": {Cluster: "lab", AuthInfo: "admin"}},
		CurrentContext: "lab",
	}, path)
}

// ready waits until the API server says so, or a server has ended.
func (c *Cluster) ready(ctx context.Context) error {
	client, err := rest.HTTPClientFor(c.Config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for last := error(nil); ; {
		for _, p := range c.Servers {
			if err := p.Ended(); err != nil {
				return err
			}
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Config.Host+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		if answer, err := client.Do(request); err != nil {
			last = err
		} else if answer.Body.Close(); answer.StatusCode == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kube-apiserver is not ready: %w (%w)", ctx.Err(), last)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
