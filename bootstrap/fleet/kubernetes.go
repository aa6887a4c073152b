package fleet

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	clientconfig "github.com/siderolabs/talos/pkg/machinery/client/config"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pave-platform/pave/internal/fault"
)

// renewBefore is how long a certificate must still hold for its file to stay.
const renewBefore = 30 * 24 * time.Hour

// Kubeconfig gives the kubeconfig at path if it is one of this cluster and holds
// for a month or more, else a new one from the first of the nodes that gives one.
func (f *Fleet) Kubeconfig(ctx context.Context, path string, from []*Node) (content []byte, kept bool, err error) {
	if old, err := os.ReadFile(path); err == nil && f.isKubeconfig(old) {
		return old, true, nil
	}
	err = f.Until(ctx, "kubeconfig", func(ctx context.Context) (bool, string, error) {
		var last error
		for _, n := range from {
			if content, last = n.Kubeconfig(ctx); last == nil {
				return true, "", nil
			}
		}
		return false, last.Error(), nil
	})
	return content, false, err
}

func (f *Fleet) isKubeconfig(content []byte) bool {
	c, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil || c.Host != f.Artefact.Cluster.Endpoint || !bytes.Equal(bytes.TrimSpace(c.CAData), bytes.TrimSpace(f.kubernetesCA)) {
		return false
	}
	return holds(c.CertData, c.KeyData, f.kubernetesCA)
}

// KeepTalosconfig gives the talosconfig at path if it is one of this cluster and
// holds for a month or more, else the fleet's new one.
func (f *Fleet) KeepTalosconfig(path string) (content []byte, kept bool, err error) {
	if old, err := os.ReadFile(path); err == nil && f.isTalosconfig(old) {
		return old, true, nil
	}
	content, err = f.Talosconfig.Bytes()
	return content, false, err
}

func (f *Fleet) isTalosconfig(content []byte) bool {
	c, err := clientconfig.FromBytes(content)
	if err != nil {
		return false
	}
	old, now := c.Contexts[c.Context], f.Talosconfig.Contexts[f.Talosconfig.Context]
	if old == nil || c.Context != f.Talosconfig.Context || old.CA != now.CA || !slices.Equal(old.Endpoints, now.Endpoints) {
		return false
	}
	var parts [3][]byte
	for i, text := range []string{old.Crt, old.Key, old.CA} {
		if parts[i], err = base64.StdEncoding.DecodeString(text); err != nil {
			return false
		}
	}
	return holds(parts[0], parts[1], parts[2])
}

// holds tells whether a client certificate goes with its key, is of the CA and
// stays valid. All are PEM.
func holds(cert, key, ca []byte) bool {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	_, err = pair.Leaf.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: time.Now().Add(renewBefore), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}

// AwaitKubernetes waits until the cluster's Kubernetes API is ready and gives its
// version, as in v1.36.3.
func (f *Fleet) AwaitKubernetes(ctx context.Context, kubeconfig []byte) (version string, err error) {
	c, err := Direct(kubeconfig)
	if err != nil {
		return "", err
	}
	err = f.Until(ctx, "the Kubernetes API at "+c.Host, func(ctx context.Context) (bool, string, error) {
		v, err := Ready(ctx, c)
		if err != nil {
			return false, err.Error(), nil
		}
		version = v
		return true, "", nil
	})
	return version, err
}

// Direct reads a kubeconfig for a client that uses no proxy: one in the
// environment is not for the cluster's network.
func Direct(kubeconfig []byte) (*rest.Config, error) {
	c, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil { // the cause could quote it
		return nil, fault.Failedf("the kubeconfig cannot be read").Fix("remove the file, so that a new one is made")
	}
	c.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	c.Timeout = 10 * time.Second
	return c, nil
}

// Ready asks the API server whether it is, and for its version.
func Ready(ctx context.Context, c *rest.Config) (string, error) {
	client, err := rest.HTTPClientFor(c)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.Host, "/")+"/readyz", http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("/readyz answers %s", answer.Status)
	}
	d, err := discovery.NewDiscoveryClientForConfigAndClient(c, client)
	if err != nil {
		return "", err
	}
	v, err := d.ServerVersion()
	if err != nil {
		return "", err
	}
	return v.GitVersion, nil
}
