package lab_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/lab"
	"github.com/pave-platform/pave/internal/registrytest"
)

// ownAddress is an address of this machine that containers on it can reach.
func ownAddress(t testing.TB) netip.Addr {
	t.Helper()
	all, err := net.InterfaceAddrs()
	must(t, err)
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is4() && !prefix.Addr().IsLoopback() {
			return prefix.Addr()
		}
	}
	t.Fatal("this machine has no address but loopback's")
	return netip.Addr{}
}

func TestBeyondLoopbackEverythingSpeaksTLSAtOneAddress(t *testing.T) {
	address := ownAddress(t)
	l := lab.Start(t, lab.ArgoCD, lab.Kubelet, lab.Git, lab.At(address))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for what, where := range map[string]string{"API server": l.Config.Host, "registry": "https://" + l.Registry, "Git server": l.Git} {
		if !strings.HasPrefix(where, "https://"+address.String()+":") {
			t.Errorf("the %s is at %s", what, where)
		}
	}
	image, err := lab.WebImage(ctx, lab.Web{Text: "over TLS"})
	must(t, err)
	ref, err := l.Push(ctx, "demo/web:1", image)
	must(t, err)
	repository, err := l.Repository(ctx, "gitops")
	must(t, err)
	commit := gittest.Repository{Dir: repository.Dir}.Commit(t, "main", "the web application", map[string]string{"app/web.yaml": string(workload("web", ref))})
	must(t, l.ApplyYAML(ctx, application("web", repository.URL)))
	must(t, l.AwaitHealthy(ctx, "argocd", "web", commit))
	status, body, err := l.HTTP(ctx, "default", "web", "http", "/")
	must(t, err)
	if status != http.StatusOK || string(body) != "over TLS" {
		t.Errorf("got %d, %s", status, body)
	}
}

const pullSecret = `
apiVersion: v1
kind: Secret
metadata: {name: pull, namespace: default}
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: '{"auths": {%q: {"auth": %q}}}'
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: default}
imagePullSecrets: [{name: pull}]
`

func TestANodePullsFromARegistryOfATestWithItsCAAndPassword(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{})
	l := lab.Start(t, lab.Kubelet)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	must(t, l.Reach(ctx, registry.Host))
	must(t, l.Trust(ctx, registry.Host, registry.CAFile))
	image, err := lab.WebImage(ctx, lab.Web{Text: "a secret application"})
	must(t, err)
	ref, err := name.NewTag(registry.Ref("demo/web:1"))
	must(t, err)
	must(t, remote.Write(ref, image, remote.WithContext(ctx), remote.WithTransport(transport(t, registry.CAFile)),
		remote.WithAuth(&authn.Basic{Username: registry.Username, Password: registry.Password})))
	auth := base64.StdEncoding.EncodeToString([]byte(registry.Username + ":" + registry.Password))
	must(t, l.ApplyYAML(ctx, fmt.Appendf(nil, pullSecret, registry.Host, auth)))
	must(t, l.ApplyYAML(ctx, workload("web", ref.String())))
	must(t, l.Await(ctx, "apps/v1", "Deployment", "default", "web", allReady))
}

// transport trusts the CA in the file.
func transport(t testing.TB, caFile string) http.RoundTripper {
	t.Helper()
	pem, err := os.ReadFile(caFile)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}
}
