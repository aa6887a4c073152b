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
	"net"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// Lab is what runs.
type Lab struct {
	Config     *rest.Config      // an administrator's; works on this machine and inside
	Kubeconfig string            // the same as a file
	Dynamic    dynamic.Interface // a client with Config

	Address  string // the IP address at which the lab's servers listen
	Registry string // host:port, as in an image reference; empty without the part
	Git      string // http://host:port, the base of the repositories' URLs; empty without the part
	Dir      string // of the lab; goes away with it
}

// Start starts a lab with the parts and settings given, and ends it with the
// test. It needs Linux and root. The first start on a machine compiles the
// programs, which takes minutes.
//
//	l := lab.Start(t, lab.ArgoCD, lab.Kubelet, lab.Registry, lab.Git)
func Start(t testing.TB, options ...Option) *Lab { panic("the lab is being built") }

// Up is Start for programs: the caller calls Close. A lab whose program is
// killed ends all the same.
func Up(ctx context.Context, o Options) (*Lab, error) { panic("the lab is being built") }

// Close ends everything and removes it.
func (l *Lab) Close() error { panic("the lab is being built") }

// Reach lets the lab reach servers that listen on this machine, each at the
// host:port that it has here, the host an IP address.
// 127.0.0.1 inside is otherwise the lab's own.
func (l *Lab) Reach(ctx context.Context, servers ...string) error { panic("the lab is being built") }

// Dial connects to an address as seen inside the lab: a pod, say.
func (l *Lab) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	panic("the lab is being built")
}

// Trust makes Argo CD and the node trust the server host:port, which Reach has
// been told of or is told of now, by the CA in the PEM file: Argo CD through
// its ConfigMap argocd-tls-certs-cm, the node through containerd's settings.
func (l *Lab) Trust(ctx context.Context, server, caFile string) error {
	panic("the lab is being built")
}

// Repository makes an empty repository NAME.git on the lab's Git server, whose
// protected branches take no pushes once they exist.
func (l *Lab) Repository(ctx context.Context, name string, protect ...string) (Repository, error) {
	panic("the lab is being built")
}

// Repository is one on the lab's Git server.
type Repository struct {
	URL string // for clients here and for Argo CD
	Dir string // bare, for gittest.Repository
}

// Apply applies objects of any kind on the server's side, in their order, with
// strict field validation.
func (l *Lab) Apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	panic("the lab is being built")
}

// ApplyYAML is Apply of the documents in data.
func (l *Lab) ApplyYAML(ctx context.Context, data []byte) error { panic("the lab is being built") }

// Get gives an object: l.Get(ctx, "argoproj.io/v1alpha1", "Application", "argocd", "shop").
func (l *Lab) Get(ctx context.Context, apiVersion, kind, namespace, name string) (*unstructured.Unstructured, error) {
	panic("the lab is being built")
}

// Await waits until check has nothing to complain of in the object, which need
// not exist yet. When ctx ends first, the error has the last complaint.
func (l *Lab) Await(ctx context.Context, apiVersion, kind, namespace, name string, check func(*unstructured.Unstructured) error) error {
	panic("the lab is being built")
}

// AwaitHealthy waits until Argo CD says Synced and Healthy of the Application,
// at revision where that is not empty. When ctx ends first, the error has what
// Argo CD says instead.
func (l *Lab) AwaitHealthy(ctx context.Context, namespace, name, revision string) error {
	panic("the lab is being built")
}

// HTTP asks a Service, through the API server's proxy, for path: the status
// and the body of its answer.
func (l *Lab) HTTP(ctx context.Context, namespace, service, port, path string) (status int, body []byte, err error) {
	panic("the lab is being built")
}

// Servers names the lab's processes, as Log, Stop and Resume know them:
// etcd, kube-apiserver, argocd-application-controller, ….
func (l *Lab) Servers() []string { panic("the lab is being built") }

// Log gives the file with what a process has said.
func (l *Lab) Log(server string) (file string, err error) { panic("the lab is being built") }

// Stop kills a process, for tests of what others do without it.
func (l *Lab) Stop(ctx context.Context, server string) error { panic("the lab is being built") }

// Resume starts a process again that Stop has killed, and waits until it is ready.
func (l *Lab) Resume(ctx context.Context, server string) error { panic("the lab is being built") }
