// Package node gives a lab's cluster its one node: a real one, a kubelet with
// containerd and a network for pods, or one that only says so, by kwok.
package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pave-platform/pave/internal/lab/controlplane"
	"github.com/pave-platform/pave/internal/lab/server"
)

// Name is the node's.
const Name = "lab"

// Options say where the node runs.
type Options struct {
	Runner  server.Runner
	Dial    server.Dialer
	Dir     string // for its files; short: there are sockets in it
	Cluster *controlplane.Cluster
}

// Address is a real node's. It is no loopback address, which a kubelet refuses,
// and is given to the lab's network only.
var Address = netip.AddrFrom4([4]byte{10, 99, 0, 1})

// Real is a node that runs pods.
type Real struct {
	o     Options
	group string
}

// New makes the node's files. The pods' control groups are below group, a name;
// whoever calls removes them. Pods begin with the image sandbox, which the node
// must be able to pull.
func New(o Options, group, sandbox string) (*Real, error) {
	n := &Real{o: o, group: group}
	if err := makeGroups(group); err != nil {
		return nil, fmt.Errorf("control groups: %w", err)
	}
	return n, n.writeFiles(sandbox)
}

// Start starts containerd and the kubelet, and waits until the node takes pods.
func (n *Real) Start(ctx context.Context) error {
	if err := n.startContainerd(ctx); err != nil {
		return err
	}
	if err := n.startKubelet(ctx); err != nil {
		return err
	}
	if err := ready(ctx, n.o.Cluster); err != nil {
		return fmt.Errorf("%w\n%s", err, server.Tail(n.file(kubelet.Name+".log")))
	}
	return nil
}

func (n *Real) file(name ...string) string {
	return filepath.Join(append([]string{n.o.Dir}, name...)...)
}

// makeGroups makes a control group of that name for every controller.
func makeGroups(name string) error {
	const root = "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil { // version 2
		return os.Mkdir(filepath.Join(root, name), 0o755)
	}
	controllers, err := filepath.Glob(filepath.Join(root, "*"))
	if err != nil {
		return err
	}
	made := 0
	for _, c := range controllers {
		if _, err := os.Stat(filepath.Join(c, "cgroup.procs")); err != nil {
			continue
		}
		if err := os.Mkdir(filepath.Join(c, name), 0o755); err != nil && !os.IsExist(err) { // cpu is cpu,cpuacct's other name
			return err
		}
		made++
	}
	if made == 0 {
		return errors.New("none are mounted at " + root)
	}
	return nil
}

// ready waits until the cluster's node is, and takes pods.
func ready(ctx context.Context, c *controlplane.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	nodes, err := c.Resource(schema.GroupVersionKind{Version: "v1", Kind: "Node"}, "")
	if err != nil {
		return err
	}
	for {
		object, err := nodes.Get(ctx, Name, metav1.GetOptions{})
		if err == nil {
			err = takesPods(object)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the node is not ready: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func takesPods(object *unstructured.Unstructured) error {
	if taints, _, _ := unstructured.NestedSlice(object.Object, "spec", "taints"); len(taints) != 0 {
		return fmt.Errorf("it has taints: %v", taints)
	}
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, condition := range conditions {
		if is, ok := condition.(map[string]any); ok && is["type"] == "Ready" {
			if is["status"] == "True" {
				return nil
			}
			return fmt.Errorf("it says: %v", is["message"])
		}
	}
	return errors.New("it says nothing")
}
