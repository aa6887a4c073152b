package cluster_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	clientconfig "github.com/siderolabs/talos/pkg/machinery/client/config"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/internal/downloadstest"
)

// TestSecretsStaySecret looks for every secret of the cluster in what the
// process says at its most talkative, when all goes well and when it does not,
// in its arguments, and in what it leaves in the temporary folder.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*testing.T, *bootstraptest.Cluster, *cluster.Options, *downloadstest.Server){
		"all goes well": func(*testing.T, *bootstraptest.Cluster, *cluster.Options, *downloadstest.Server) {},
		"a node of another cluster": func(t *testing.T, c *bootstraptest.Cluster, o *cluster.Options, _ *downloadstest.Server) {
			c.Add(t, "stranger", "worker")
			o.Timeout = short
		},
		"the upload is refused": func(_ *testing.T, _ *bootstraptest.Cluster, _ *cluster.Options, s *downloadstest.Server) {
			s.Fail(downloadstest.Forbid)
		},
		"the artefact in the identity's place": func(_ *testing.T, _ *bootstraptest.Cluster, o *cluster.Options, _ *downloadstest.Server) {
			o.Identity.File = o.Artefact
		},
		"the identity in the artefact's place": func(_ *testing.T, _ *bootstraptest.Cluster, o *cluster.Options, _ *downloadstest.Server) {
			o.Artefact = o.Identity.File
		},
		"a broken kubeconfig is there": func(t *testing.T, c *bootstraptest.Cluster, o *cluster.Options, _ *downloadstest.Server) {
			o.Kubeconfig = c.File("age.key") // it is replaced
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Workers: 1, Foreign: []string{"stranger"}})
			secrets := secretsOf(t, c)
			o, s := withDownloads(t, c)
			secrets["token of the Downloads"] = []byte(s.Token)
			spoil(t, c, &o, s)
			tmp := t.TempDir()
			cmd := command(t, o)
			cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
			said, _ := cmd.CombinedOutput()
			for _, path := range []string{o.Kubeconfig, o.Talosconfig} {
				addConfig(t, secrets, path)
			}
			if len(said) < 100 {
				t.Errorf("it said no more than %q", said)
			}
			said = append(said, strings.Join(cmd.Args, "\n")...)
			_ = filepath.WalkDir(tmp, func(path string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					content, _ := os.ReadFile(path)
					said = append(said, content...)
				}
				return nil
			})
			leaks(t, said, secrets)
		})
	}
}

// secretsOf are all that are in the artefact, and what opens it.
func secretsOf(t *testing.T, c *bootstraptest.Cluster) map[string][]byte {
	t.Helper()
	b := c.Bundle
	key, err := os.ReadFile(c.Identity.File)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{
		"age identity": bytes.TrimSpace(key), "cluster secret": []byte(b.Cluster.Secret), "bootstrap token": []byte(b.Secrets.BootstrapToken),
		"encryption key": []byte(b.Secrets.SecretboxEncryptionSecret), "trustd token": []byte(b.TrustdInfo.Token),
	}
	for name, key := range map[string][]byte{
		"Talos CA key": b.Certs.OS.Key, "Kubernetes CA key": b.Certs.K8s.Key, "etcd CA key": b.Certs.Etcd.Key,
		"aggregator CA key": b.Certs.K8sAggregator.Key, "service account key": b.Certs.K8sServiceAccount.Key,
	} {
		addKey(secrets, name, key)
	}
	return secrets
}

// addKey adds a PEM key as its text and as what the text encodes.
func addKey(secrets map[string][]byte, name string, key []byte) {
	secrets[name] = bytes.TrimSpace(key)
	if block, _ := pem.Decode(key); block != nil {
		secrets[name+" (DER)"] = block.Bytes
	}
}

// addConfig adds the key in a kubeconfig or talosconfig, if there is one.
func addConfig(t *testing.T, secrets map[string][]byte, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		return
	}
	if c, err := clientcmd.RESTConfigFromKubeConfig(content); err == nil {
		addKey(secrets, "kubeconfig's key", c.KeyData)
	} else if c, err := clientconfig.FromBytes(content); err == nil && c.Contexts[c.Context] != nil {
		key, err := base64.StdEncoding.DecodeString(c.Contexts[c.Context].Key)
		if err != nil {
			t.Fatal(err)
		}
		addKey(secrets, "talosconfig's key", key)
	}
}

// leaks looks for the secrets in what was said: plain, in hex, and in base64 at
// any offset.
func leaks(t *testing.T, said []byte, secrets map[string][]byte) {
	t.Helper()
	flat := bytes.ReplaceAll(said, []byte("\n"), nil) // a PEM's lines are one
	for name, s := range secrets {
		for form, written := range forms(s) {
			if bytes.Contains(said, written) || bytes.Contains(flat, written) {
				t.Errorf("it shows the %s in %s", name, form)
			}
		}
	}
}

func forms(s []byte) map[string][]byte {
	f := map[string][]byte{
		"plain text":    s,
		"hex":           []byte(hex.EncodeToString(s)),
		"uppercase hex": []byte(strings.ToUpper(hex.EncodeToString(s))),
	}
	for offset := range 3 {
		padded := append(make([]byte, offset), s...)
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "URL base64": base64.RawURLEncoding} {
			encoded := encoding.EncodeToString(padded)
			// The characters at the ends also depend on what is around.
			f[fmt.Sprintf("%s at offset %d", name, offset)] = []byte(encoded[4 : len(encoded)-4])
		}
	}
	return f
}

func TestTheCanaryIsFoundWhereItLeaks(t *testing.T) {
	t.Parallel()
	s := []byte("canary-of-the-key")
	for _, leak := range []string{
		"x" + string(s), hex.EncodeToString(s),
		base64.StdEncoding.EncodeToString(append([]byte("a"), append(bytes.Clone(s), "bc"...)...)),
	} {
		found := false
		for _, written := range forms(s) {
			found = found || strings.Contains(leak, string(written))
		}
		if !found {
			t.Errorf("it is not found in %q", leak)
		}
	}
}
