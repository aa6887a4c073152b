package bootstraptest

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"os"
	"testing"

	clientconfig "github.com/siderolabs/talos/pkg/machinery/client/config"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pave-platform/pave/internal/secrettest"
)

// Secrets are values that must not be seen, by name.
type Secrets map[string][]byte

// Secrets are all that are in the cluster's artefact, and what opens it.
func (c *Cluster) Secrets(t testing.TB) Secrets {
	t.Helper()
	b := c.Bundle
	key, err := os.ReadFile(c.Identity.File)
	must(t, err)
	secrets := Secrets{
		"age identity": bytes.TrimSpace(key), "cluster secret": []byte(b.Cluster.Secret), "bootstrap token": []byte(b.Secrets.BootstrapToken),
		"encryption key": []byte(b.Secrets.SecretboxEncryptionSecret), "trustd token": []byte(b.TrustdInfo.Token),
	}
	for name, key := range map[string][]byte{
		"Talos CA key": b.Certs.OS.Key, "Kubernetes CA key": b.Certs.K8s.Key, "etcd CA key": b.Certs.Etcd.Key,
		"aggregator CA key": b.Certs.K8sAggregator.Key, "service account key": b.Certs.K8sServiceAccount.Key,
	} {
		secrets.addKey(name, key)
	}
	return secrets
}

// addKey adds a PEM key as its text and as what the text encodes.
func (s Secrets) addKey(name string, key []byte) {
	s[name] = bytes.TrimSpace(key)
	if block, _ := pem.Decode(key); block != nil {
		s[name+" (DER)"] = block.Bytes
	}
}

// AddConfig adds the key in a kubeconfig or talosconfig, if there is one.
func (s Secrets) AddConfig(t testing.TB, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		return
	}
	if c, err := clientcmd.RESTConfigFromKubeConfig(content); err == nil {
		s.addKey("kubeconfig's key", c.KeyData)
	} else if c, err := clientconfig.FromBytes(content); err == nil && c.Contexts[c.Context] != nil {
		key, err := base64.StdEncoding.DecodeString(c.Contexts[c.Context].Key)
		must(t, err)
		s.addKey("talosconfig's key", key)
	}
}

// NotIn looks for the secrets in what was said.
func (s Secrets) NotIn(t testing.TB, said []byte) {
	t.Helper()
	secrettest.NotIn(t, "it", said, s)
}
