// Package vcentertest starts a vCenter for a test: govmomi's simulator over TLS,
// and everything that a cluster.yaml for it needs.
package vcentertest

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/vim25/soap"

	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/dev/vcenter"
)

// The user of every vCenter here.
const (
	Username = "pave@vsphere.local"
	Password = "canary-of-the-vcenter"
)

// Lab is a vCenter, and the files that a run against it needs.
type Lab struct {
	*vcenter.Server
	Dir          string // of cluster.yaml
	CAFile       string // signed the vCenter's certificate
	UsernameFile string
	PasswordFile string
	OVASum       string // SHA-256 of Dir/talos.ova
	Recipient    string // age
	IdentityFile string
	Identity     string
}

// Start makes all of it; o's certificate and credentials are filled in.
func Start(t testing.TB, o vcenter.Options) *Lab {
	t.Helper()
	l := &Lab{Dir: t.TempDir()}
	made, err := ca.Run(t.Context(), ca.Options{Dir: t.TempDir(), Hosts: []string{"127.0.0.1", "localhost"}})
	must(t, err)
	l.CAFile = made.CA
	o.Certificate, err = tls.LoadX509KeyPair(made.Cert, made.Key)
	must(t, err)
	o.Username, o.Password = Username, Password
	l.Server, err = vcenter.Start(o)
	must(t, err)
	t.Cleanup(l.Close)
	l.UsernameFile, l.PasswordFile = l.Write(t, "username", Username+"\n"), l.Write(t, "password", Password+"\r\n")
	key, err := age.GenerateX25519Identity()
	must(t, err)
	l.Recipient, l.Identity = key.Recipient().String(), key.String()
	l.IdentityFile = l.Write(t, "identity", key.String()+"\n")
	l.OVASum, err = vcenter.WriteOVA(filepath.Join(l.Dir, "talos.ova"), 1<<20)
	must(t, err)
	return l
}

// Write writes a file beside cluster.yaml and gives its path.
func (l *Lab) Write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(l.Dir, name)
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// Node is a line of cluster.yaml.
func Node(name, role, address string) string {
	line := fmt.Sprintf("{name: %s, role: %s, cpu: 2, memory: 2Gi, disk: 10Gi", name, role)
	if address != "" {
		line += ", address: " + address + "/24"
	}
	return line + "}"
}

// ClusterYAML is one for this vCenter, with the OVA and the nodes given.
func (l *Lab) ClusterYAML(nodes ...string) string {
	return fmt.Sprintf(`apiVersion: pave/v1
kind: Cluster
metadata: {name: lab, project: idp, environment: test}
spec:
  vip: 10.20.0.10
  kubernetes: 1.36.0
  talos: 1.13.0
  vsphere:
    server: %s
    datacenter: %s
    cluster: %s
    datastore: %s
    network: %s
  ova: {file: talos.ova, sha256: %s}
  install: {factory: factory.example.internal}
  network: {gateway: 10.20.0.1, dns: [10.20.0.2], ntp: [10.20.0.3]}
  nodes:
    - %s
  recipients: [%s]
`, l.Host, vcenter.Datacenter, vcenter.Cluster, vcenter.Datastore, vcenter.Network, l.OVASum, strings.Join(nodes, "\n    - "), l.Recipient)
}

// Client gives a session of its own, to look at the vCenter from outside.
func (l *Lab) Client(t testing.TB) *govmomi.Client {
	t.Helper()
	u, err := soap.ParseURL("https://" + l.Host)
	must(t, err)
	u.User = nil
	s := soap.NewClient(u, false)
	must(t, s.SetRootCAs(l.CAFile))
	return login(t, s)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
