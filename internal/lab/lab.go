// Package lab starts a real Kubernetes, and around it Argo CD, a node, a
// registry, a Git server and operators, as processes of this machine: for
// tests and for people who want to see.
//
// It promises two things. A server has the same address inside the lab and on
// this machine, so that an image reference or a repository URL means the same
// in a manifest and in a test. And nothing is left when the lab ends, however
// it ends: no process, mount, network, control group or file.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/dev/git"
	"github.com/pave-platform/pave/internal/lab/argocd"
	"github.com/pave-platform/pave/internal/lab/controlplane"
	"github.com/pave-platform/pave/internal/lab/node"
	"github.com/pave-platform/pave/internal/lab/sandbox"
	"github.com/pave-platform/pave/internal/lab/server"
)

// Lab is what runs.
type Lab struct {
	Config     *rest.Config      // an administrator's; works on this machine and inside
	Kubeconfig string            // the same as a file
	Dynamic    dynamic.Interface // a client with Config

	Address  string // the IP address at which the lab's servers listen
	CAFile   string // trusts those of the lab's servers that speak TLS
	Registry string // host:port, as in an image reference; empty without the part
	Git      string // http://host:port, https:// beyond loopback: the base of the repositories' URLs; empty without the part
	Dir      string // of the lab; goes away with it

	options Options
	say     buildcache.Progress
	sandbox *sandbox.Sandbox
	certs   ca.Result
	servers *servers
	cluster *controlplane.Cluster
	argoCD  *argocd.ArgoCD
	node    *node.Real
	git     *git.Server

	mu      sync.Mutex
	closers []func()
}

// Start starts a lab with the parts and settings given, and ends it with the
// test. It needs Linux and root. The first start on a machine compiles the
// programs, which takes minutes.
//
//	l := lab.Start(t, lab.ArgoCD, lab.Kubelet, lab.Registry, lab.Git)
func Start(t testing.TB, options ...Option) *Lab {
	t.Helper()
	var o Options
	for _, option := range options {
		option.set(&o)
	}
	l, err := Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			l.tell(t)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// tell shows the end of each log, for a test that has failed.
func (l *Lab) tell(t testing.TB) {
	for _, name := range l.Servers() {
		file, err := l.Log(name)
		if err != nil {
			t.Error(err)
			continue
		}
		t.Logf("%s said at the end:\n%s", name, server.Tail(file))
	}
}

// Up is Start for programs: the caller calls Close. A lab whose program is
// killed ends all the same.
func Up(ctx context.Context, o Options) (*Lab, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	log := io.Writer(os.Stderr)
	if o.Log != nil {
		log = o.Log
	}
	l := &Lab{options: o, Address: o.Address.String(), say: buildcache.Progress{Name: "lab", W: log}}
	if err := l.build(ctx); err != nil {
		return nil, err
	}
	if l.sandbox, err = sandbox.New(ctx); err != nil {
		return nil, err
	}
	l.Dir = l.sandbox.Dir
	l.servers = newServers(l.sandbox)
	if err := l.start(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Close ends everything and removes it.
func (l *Lab) Close() error {
	l.mu.Lock()
	closers := l.closers
	l.closers = nil
	l.mu.Unlock()
	for _, end := range closers {
		end()
	}
	return l.sandbox.Close()
}

const clusterFolder = "kubernetes"

// certify makes the certificates of the lab's servers.
func (l *Lab) certify(ctx context.Context) error {
	dir, err := l.folder(clusterFolder)
	if err != nil {
		return err
	}
	l.certs, err = controlplane.Certificates(ctx, dir, l.options.Address)
	l.CAFile = l.certs.CA
	return err
}

// startCluster starts the API server, whose port is the same on both sides.
func (l *Lab) startCluster(ctx context.Context) error {
	if err := l.sandbox.AddAddress(l.options.Address); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort(l.Address, "0"))
	if err != nil {
		return err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := l.sandbox.Publish(listener); err != nil {
		return err
	}
	dir, err := l.folder(clusterFolder)
	if err != nil {
		return err
	}
	l.cluster, err = controlplane.Start(ctx, controlplane.Options{
		Runner: l.servers, Dir: dir, Address: l.options.Address, Port: port, Bind: netip.IPv4Unspecified(),
	})
	if err != nil {
		return err
	}
	l.Config, l.Kubeconfig, l.Dynamic = l.cluster.Config, l.cluster.Kubeconfig, l.cluster.Dynamic
	return nil
}

// startArgoCD starts it in the cluster.
func (l *Lab) startArgoCD(ctx context.Context) error {
	dir, err := l.folder("argocd")
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(l.CAFile)
	if err != nil {
		return err
	}
	a, err := argocd.Start(ctx, argocd.Options{
		Runner: l.servers, Dial: l.Dial, Dir: dir, Cluster: l.cluster, Refresh: l.options.Refresh, CA: ca,
	})
	if err != nil {
		return fmt.Errorf("argo CD: %w", err)
	}
	l.atEnd(a.Close)
	l.argoCD = a
	return l.argoCDTrustsLab(ctx)
}

// argoCDTrustsLab lets it use the lab's own registry and repositories where
// those speak TLS.
func (l *Lab) argoCDTrustsLab(ctx context.Context) error {
	if l.options.Address.IsLoopback() {
		return nil
	}
	pem, err := os.ReadFile(l.CAFile)
	if err != nil {
		return err
	}
	return l.argoCD.Trust(ctx, l.Address, pem)
}

// folder makes a folder of the lab.
func (l *Lab) folder(name string) (string, error) {
	dir := filepath.Join(l.Dir, name)
	return dir, os.MkdirAll(dir, 0o755)
}

// Reach lets the lab reach servers that listen on this machine, each at the
// host:port that it has here, the host an IP address.
// 127.0.0.1 inside is otherwise the lab's own.
func (l *Lab) Reach(ctx context.Context, servers ...string) error {
	for _, s := range servers {
		if err := l.sandbox.Reach(ctx, s); err != nil {
			return fmt.Errorf("reach %s from the lab: %w", s, err)
		}
	}
	return nil
}

// Dial connects to an address as seen inside the lab: a pod, say.
func (l *Lab) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return l.sandbox.Dial(ctx, network, address)
}

// Trust makes Argo CD and the node trust the server host:port by the CA in the
// PEM file: Argo CD through its ConfigMap argocd-tls-certs-cm, the node through
// containerd's settings.
//
// Argo CD knows a host there, without its port, and asks none that it knows over
// plain http: beside a plain registry on 127.0.0.1, call the other one localhost.
func (l *Lab) Trust(ctx context.Context, server, caFile string) error {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return err
	}
	if l.node != nil {
		if err := l.node.Trust(server, pem); err != nil {
			return err
		}
	}
	if l.argoCD != nil {
		return l.argoCD.Trust(ctx, host, pem)
	}
	return nil
}
