//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/lab/controlplane"
)

// The cluster of the demo.
const (
	clusterName = "platform"
	vip         = "10.20.0.10"
	user        = "pave@vsphere.local"
)

// node is a line of cluster.yaml.
type node struct{ name, role, address string }

// five is what the cluster begins with.
func five() []node {
	return []node{
		{"platform-cp-1", "controlplane", "10.20.0.11"}, {"platform-cp-2", "controlplane", "10.20.0.12"}, {"platform-cp-3", "controlplane", "10.20.0.13"},
		{"platform-w-1", "worker", "10.20.0.21"}, {"platform-w-2", "worker", "10.20.0.22"},
	}
}

// sixth is added later.
var sixth = node{"platform-w-3", "worker", "10.20.0.23"}

// vcenterReady is what pave dev vcenter says.
type vcenterReady struct{ Host, CA, OVA, SHA256, Datacenter, Cluster, Datastore, Network string }

// stage is where the demo plays.
type stage struct {
	dir, binary string
	out         io.Writer

	windows *network // the runner in vCenter's network
	linux   *network // the runner in the cluster's
	servers []*server
	vcenter vcenterReady

	said      bytes.Buffer // all that pave said, for the test
	commands  []string     // all that was run, for the test
	recipient string
}

func newStage(dir, binary string, out io.Writer) (*stage, error) {
	s := &stage{dir: dir, binary: binary, out: out}
	var err error
	if s.binary, err = filepath.Abs(binary); err != nil {
		return nil, err
	}
	addresses := []netip.Addr{netip.MustParseAddr(vip)}
	for _, n := range append(five(), sixth) {
		addresses = append(addresses, netip.MustParseAddr(n.address))
	}
	if s.windows, err = newNetwork("vCenter's network"); err != nil {
		return nil, err
	}
	if s.linux, err = newNetwork("cluster's network", addresses...); err != nil {
		return nil, err
	}
	for _, name := range []string{"phase1", "phase2"} {
		if err := os.MkdirAll(s.path(name), 0o700); err != nil {
			return nil, err
		}
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	s.recipient = key.Recipient().String()
	for name, content := range map[string]string{"age.key": key.String(), "vcenter-user": user, "vcenter-password": rand.Text()} {
		if err := os.WriteFile(s.path(name), []byte(content+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// close ends the servers, which have a moment to end by themselves.
func (s *stage) close() {
	for _, v := range s.servers {
		<-v.ended
	}
	s.windows.close()
	s.linux.close()
}

// set starts all that is not pave's own work: vCenter, the hosts, Kubernetes.
func (s *stage) set(ctx context.Context) error {
	if err := program.Build(ctx, controlplane.APIPrograms); err != nil { // while there is a network
		return err
	}
	vcenter := s.command(ctx, s.binary, "dev", "vcenter", "--json", "--dir", s.path("vcenter"), "--username", user, "--password-file", s.path("vcenter-password"))
	if err := s.serve(ctx, s.windows, "vCenter", vcenter, &s.vcenter); err != nil {
		return err
	}
	machines := s.path("machines")
	settings := map[string]string{
		"DEMO_VCENTER": s.vcenter.Host, "DEMO_CA": s.vcenter.CA, "DEMO_USER": user,
		"DEMO_PASSWORD_FILE": s.path("vcenter-password"), "DEMO_MACHINES": machines,
	}
	if err := s.role(ctx, s.windows, "hypervisor", settings, new(any)); err != nil {
		return err
	}
	var kubernetes struct{ Kubeconfig string }
	if err := s.role(ctx, s.linux, "apiserver", nil, &kubernetes); err != nil {
		return err
	}
	nodes := s.command(ctx, s.binary, "dev", "talos", "--json", "--machines", machines, "--kubernetes", kubernetes.Kubeconfig)
	return s.serve(ctx, s.linux, "Talos", nodes, new(any))
}

// clusterYAML writes the cluster with its nodes.
func (s *stage) clusterYAML(nodes []node) error {
	v := s.vcenter
	var lines strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&lines, "    - {name: %s, role: %s, address: %s/24, cpu: 2, memory: 2Gi, disk: 10Gi}\n", n.name, n.role, n.address)
	}
	return os.WriteFile(s.path("phase1/cluster.yaml"), fmt.Appendf(nil, `apiVersion: pave/v1
kind: Cluster
metadata: {name: %s, project: idp, environment: demo}
spec:
  vip: %s
  kubernetes: 1.36.0
  talos: 1.13.0
  vsphere: {server: %q, datacenter: %s, cluster: %s, datastore: %s, network: %s}
  ova: {file: %s, sha256: %s}
  install: {factory: factory.example.internal}
  network: {gateway: 10.20.0.1, dns: [10.20.0.2], ntp: [10.20.0.3]}
  nodes:
%s  recipients: [%s]
`, clusterName, vip, v.Host, v.Datacenter, v.Cluster, v.Datastore, v.Network, v.OVA, v.SHA256, lines.String(), s.recipient), 0o600)
}
