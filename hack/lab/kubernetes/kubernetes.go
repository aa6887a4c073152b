// Package kubernetes starts a real API server for tests: etcd and
// kube-apiserver as processes on loopback, in a folder of their own, gone when
// the test ends. Nothing runs behind it: objects are admitted, stored and
// served, and no controller acts on them. It needs neither root nor Linux; a
// cluster in which something happens is internal/lab's.
package kubernetes

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/pave-platform/pave/internal/lab/controlplane"
	"github.com/pave-platform/pave/internal/lab/kube"
	"github.com/pave-platform/pave/internal/lab/server"
)

// Version is what the server says it is.
const Version = controlplane.Version

// Applied is what the server made of an object, and what it warned of.
type Applied = kube.Applied

// Cluster is a running API server.
type Cluster struct {
	Config     *rest.Config // an administrator's
	Kubeconfig string       // the same as a file

	client *kube.Client
}

// Start starts an API server and waits until it is ready: seconds, after the
// minutes in which it is compiled once.
func Start(t testing.TB) *Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "pave-k8s-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port, release, err := controlplane.ReservePort()
	must(t, err)
	t.Cleanup(release)
	runner := &forTest{t: t}
	t.Cleanup(runner.end)
	c, err := controlplane.Start(t.Context(), controlplane.Options{
		Runner: runner, Dir: dir, Address: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Port: port,
	})
	must(t, err)
	return &Cluster{Config: c.Config, Kubeconfig: c.Kubeconfig, client: c.Client}
}

// Apply applies object on the server's side, with strict field validation: an
// unknown or duplicate field is an error. Options like a dry run come on top.
func (c *Cluster) Apply(ctx context.Context, object *unstructured.Unstructured, dryRun ...string) (Applied, error) {
	return c.client.Apply(ctx, object, dryRun...)
}

// Namespace makes a namespace with labels.
func (c *Cluster) Namespace(t testing.TB, name string, labels map[string]string) {
	t.Helper()
	must(t, c.client.Namespace(t.Context(), name, labels))
}

// Install installs CustomResourceDefinitions and waits until the server serves
// them.
func (c *Cluster) Install(t testing.TB, crds []*unstructured.Unstructured) {
	t.Helper()
	must(t, c.client.Install(t.Context(), crds))
}

// forTest runs servers on this machine, ends them with the test, and shows what
// they said if it has failed.
type forTest struct {
	t       testing.TB
	running []server.Process
	logs    []string
}

// Run implements server.Runner.
func (f *forTest) Run(ctx context.Context, s server.Spec) (server.Process, error) {
	p, err := server.Host{}.Run(ctx, s)
	if err == nil {
		f.running, f.logs = append(f.running, p), append(f.logs, s.Log)
	}
	return p, err
}

func (f *forTest) end() {
	for i, p := range f.running {
		_ = p.Kill() // it does not fail on this machine
		if f.t.Failed() {
			f.t.Logf("%s said at the end:\n%s", filepath.Base(f.logs[i]), server.Tail(f.logs[i]))
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
