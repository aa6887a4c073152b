package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/pave-platform/pave/bootstrap/fleet"
	"github.com/pave-platform/pave/internal/talosapi"
)

// StatusOptions say which cluster to look at.
type StatusOptions struct {
	fleet.Options        // Timeout is for each node; 0: 5 seconds
	Kubeconfig    string // file to use; empty: a control plane gives one
}

// Status is how a cluster is.
type Status struct {
	Cluster    string       `json:"cluster"`
	ID         string       `json:"id"`
	Endpoint   string       `json:"endpoint"`          // of the Kubernetes API
	Kubernetes string       `json:"kubernetes"`        // version of the API server; empty if it does not answer
	Problem    string       `json:"problem,omitempty"` // why the API server does not answer
	Etcd       []string     `json:"etcd"`              // names of the members
	Healthy    bool         `json:"healthy"`           // all nodes, etcd and the Kubernetes API are as they should be
	Nodes      []NodeStatus `json:"nodes"`             // in the artefact's order
}

// NodeStatus is how a node is. What is not known is empty.
type NodeStatus struct {
	Name       string             `json:"name"`
	Role       string             `json:"role"`
	Address    string             `json:"address"`
	Stage      string             `json:"stage"` // of Talos, as in running; or why it cannot be talked to, as in refused
	Ready      bool               `json:"ready"` // by its own account
	Unmet      []string           `json:"unmet"` // what it waits for
	Talos      string             `json:"talos"`
	Kubelet    string             `json:"kubelet"`           // version, by Kubernetes
	Registered string             `json:"registered"`        // Ready, NotReady, or empty where Kubernetes does not know it
	Etcd       string             `json:"etcd"`              // member, learner, none; empty on a worker
	Services   []talosapi.Service `json:"services"`          // all of Talos's
	Problem    string             `json:"problem,omitempty"` // why it cannot be talked to
}

// Good tells whether the node is as it should be.
func (n NodeStatus) Good() bool {
	for _, s := range n.Services {
		if !s.Good() {
			return false
		}
	}
	return n.Problem == "" && n.Ready && (n.Etcd == "" || n.Etcd == "member")
}

// Summary is a table of the nodes.
func (s Status) Summary(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tROLE\tADDRESS\tSTAGE\tTALOS\tKUBERNETES\tSERVICES\tETCD")
	for _, n := range s.Nodes {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, n.Role, n.Address, n.Stage, dash(n.Talos),
			dash(strings.TrimSpace(n.Kubelet+" "+n.Registered)), n.services(), dash(n.Etcd))
	}
	_ = t.Flush()
	switch {
	case s.Kubernetes != "":
		fmt.Fprintf(w, "Kubernetes %s at %s; etcd has %d members\n", s.Kubernetes, s.Endpoint, len(s.Etcd))
	default:
		fmt.Fprintf(w, "Kubernetes does not answer at %s: %s; etcd has %d members\n", s.Endpoint, s.Problem, len(s.Etcd))
	}
	for _, n := range s.Nodes {
		if n.Problem != "" {
			fmt.Fprintf(w, "%s: %s\n", n.Name, n.Problem)
		}
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (n NodeStatus) services() string {
	if len(n.Services) == 0 {
		return "-"
	}
	var bad []string
	for _, s := range n.Services {
		if !s.Good() {
			bad = append(bad, s.Name+" "+strings.ToLower(s.State))
		}
	}
	if len(bad) == 0 {
		return fmt.Sprintf("%d well", len(n.Services))
	}
	return strings.Join(bad, ", ")
}

// look is how long a node may take to answer.
const look = 5 * time.Second

// Look asks every node how it is. A node that does not answer is part of the
// result and no error.
func Look(ctx context.Context, o StatusOptions) (Status, error) {
	f, err := fleet.Open(ctx, o.Options)
	if err != nil {
		return Status{}, err
	}
	defer f.Close()
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = look
	}
	c := f.Artefact.Cluster
	s := Status{Cluster: c.Name, ID: c.ID, Endpoint: c.Endpoint, Etcd: []string{}, Nodes: make([]NodeStatus, len(f.Nodes))}
	members := make([][]talosapi.Member, len(f.Nodes))
	var all sync.WaitGroup
	for i, n := range f.Nodes {
		all.Go(func() {
			one, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			s.Nodes[i], members[i] = lookAt(one, n)
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return s, ctx.Err()
	}
	for _, list := range members {
		if len(list) > len(s.Etcd) {
			s.Etcd = s.Etcd[:0]
			for _, m := range list {
				s.Etcd = append(s.Etcd, m.Name)
			}
		}
	}
	api, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.askKubernetes(api, f, o.Kubeconfig); err != nil {
		s.Problem = err.Error()
	}
	s.Healthy = s.Kubernetes != ""
	for _, n := range s.Nodes {
		s.Healthy = s.Healthy && n.Good()
	}
	return s, nil
}

// lookAt asks one node.
func lookAt(ctx context.Context, n *fleet.Node) (NodeStatus, []talosapi.Member) {
	s := NodeStatus{Name: n.Name, Role: n.Role, Address: n.Host(), Unmet: []string{}, Services: []talosapi.Service{}}
	version, err := n.Node.Version(ctx)
	var u *talosapi.Unreachable
	if errors.As(err, &u) {
		s.Stage, s.Problem = string(u.Reason), u.Detail
		return s, nil
	}
	s.Talos = version
	if stage, err := n.Stage(ctx); err == nil {
		s.Stage, s.Ready, s.Unmet = stage.Name, stage.Ready, stage.Unmet
	} else {
		s.Stage, s.Problem = string(talosapi.Failing), err.Error()
	}
	if services, err := n.Services(ctx); err == nil {
		s.Services = services
	}
	if !n.ControlPlane() {
		return s, nil
	}
	s.Etcd = "none"
	e, err := n.Etcd(ctx)
	if err != nil {
		return s, nil
	}
	for _, m := range e.Members {
		switch {
		case !m.Is(n.Node):
		case m.Learner:
			s.Etcd = "learner"
		default:
			s.Etcd = "member"
		}
	}
	if s.Etcd == "none" && e.Data {
		s.Etcd = "no quorum"
	}
	return s, e.Members
}

// askKubernetes fills in what the API server knows.
func (s *Status) askKubernetes(ctx context.Context, f *fleet.Fleet, path string) error {
	kubeconfig, err := kubeconfigOf(ctx, f, s.Nodes, path)
	if err != nil {
		return err
	}
	c, err := fleet.Direct(kubeconfig)
	if err != nil {
		return err
	}
	if s.Kubernetes, err = fleet.Ready(ctx, c); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		return err
	}
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil // it is ready, and has no nodes to show
	}
	for i := range s.Nodes {
		for _, known := range list.Items {
			if known.Name == s.Nodes[i].Name || hasAddress(known, s.Nodes[i].Address) {
				s.Nodes[i].Kubelet, s.Nodes[i].Registered = known.Status.NodeInfo.KubeletVersion, readiness(known)
			}
		}
	}
	return nil
}

// kubeconfigOf reads path, or asks a control plane that answers.
func kubeconfigOf(ctx context.Context, f *fleet.Fleet, nodes []NodeStatus, path string) ([]byte, error) {
	if path != "" {
		return os.ReadFile(path)
	}
	err := errors.New("no control plane answers")
	for i, n := range f.Nodes {
		if !n.ControlPlane() || nodes[i].Problem != "" {
			continue
		}
		var kubeconfig []byte
		if kubeconfig, err = n.Kubeconfig(ctx); err == nil {
			return kubeconfig, nil
		}
	}
	return nil, err
}

func hasAddress(n corev1.Node, address string) bool {
	for _, a := range n.Status.Addresses {
		if a.Address == address {
			return true
		}
	}
	return false
}

func readiness(n corev1.Node) string {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			return "Ready"
		}
	}
	return "NotReady"
}
