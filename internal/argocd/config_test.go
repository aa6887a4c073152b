package argocd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: bot}}, {name: lost, context: {cluster: gone, user: bot}}]
clusters: [{name: lab, cluster: {server: "https://k8s.example.internal:6443"}}]
users: [{name: bot, user: {token: canary}}]
`

func TestKubeconfig(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for name, c := range map[string]struct {
		old, new string
		context  string
		want     string // of the error; empty: none
	}{
		"a token over https":                   {},
		"a context that is named":              {context: "lab"},
		"plain http to loopback":               {old: "https://k8s.example.internal:6443", new: "http://127.0.0.1:8001"},
		"plain http to elsewhere":              {old: "https:", new: "http:", want: "plain http is for loopback only"},
		"an address with credentials":          {old: "https://", new: "https://me:canary@", want: "holds credentials"},
		"a server that is not verified":        {old: "cluster: {server", new: "cluster: {insecure-skip-tls-verify: true, server", want: "is not verified"},
		"a program that logs in":               {old: "token: canary", new: "exec: {apiVersion: client.authentication.k8s.io/v1, command: kubelogin}", want: "user bot runs a program to log in, which pave does not do; give a kubeconfig with a token"},
		"a provider that logs in":              {old: "token: canary", new: "auth-provider: {name: oidc}", want: "runs a program to log in"},
		"a context that is not there":          {context: "other", want: `has no context "other"; choose one of its contexts with --kube-context`},
		"a context of a cluster that is not":   {context: "lost", want: "is of cluster \"gone\", which it does not have"},
		"what is no kubeconfig":                {old: "kind: Config", new: "kind: [canary", want: "is not a kubeconfig"},
		"a token file that is beside the file": {old: "token: canary", new: "tokenFile: token"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "kubeconfig")
			must(t, os.WriteFile(filepath.Join(filepath.Dir(file), "token"), []byte("canary"), 0o600))
			must(t, os.WriteFile(file, []byte(strings.Replace(kubeconfig, c.old, c.new, 1)), 0o600))
			_, err := argocd.New(argocd.Options{Kubeconfig: secret.Source{File: file}, Context: c.context})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary")):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	t.Run("none at all, outside of a cluster", func(t *testing.T) {
		if _, err := argocd.New(argocd.Options{}); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "--kubeconfig-file") {
			t.Errorf("got %v", err)
		}
	})
}
