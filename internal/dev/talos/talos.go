// Package talos is a double of Talos Linux nodes: the machine API of several
// nodes at addresses of this machine, over mutual TLS from the cluster's own secrets,
// as the public API description has it. It stands in where no virtual machine
// can run.
//
// It promises to be strict: a call that it does not know, that the client has no
// role for, or that comes at the wrong time is refused with the real status code;
// etcd is bootstrapped by one node once, and gains its members one by one.
//
// What it is not: no kernel, no kubelet, no containers and no etcd run. Services
// are a list. A snapshot is a bolt database in etcd's layout with what the double
// knows. Calls for several nodes at once (the metadata "nodes") are refused. What
// answers at the cluster's endpoint, behind the cluster's own certificates, is
// given by who starts it.
package talos

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/constants"
)

// Version is the version of Talos that the nodes say they run.
const Version = "v1.13.0"

// Options say how the nodes behave.
type Options struct {
	Step       time.Duration // length of each part of a boot and of each etcd member's joining; at least a millisecond
	Port       int           // of the machine API; 0: 50000
	Kubernetes http.Handler  // what answers at the cluster's endpoint; nil: /readyz and /version, and nothing else
	Joined     func(Joined)  // called when a node's kubelet would have registered the node
	Log        *slog.Logger
}

// Joined is a node that has joined Kubernetes.
type Joined struct {
	Name, Address string
	Kubelet       string // version
	ControlPlane  bool
}

// World is a network with Talos nodes.
type World struct {
	o    Options
	end  context.CancelFunc
	ctx  context.Context
	done sync.WaitGroup

	mu        sync.Mutex
	nodes     map[string]*Node
	clusters  []*cluster
	calls     []Call
	before    func(context.Context, Call) error
	after     func(Call)
	endpoints map[string]*endpoint
}

// New makes a network without nodes. Close ends it.
func New(ctx context.Context, o Options) *World {
	o.Step = max(o.Step, time.Millisecond)
	if o.Port == 0 {
		o.Port = constants.ApidPort
	}
	if o.Kubernetes == nil {
		o.Kubernetes = http.HandlerFunc(bareKubernetes)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &World{o: o, nodes: map[string]*Node{}, endpoints: map[string]*endpoint{}}
	w.ctx, w.end = context.WithCancel(ctx)
	w.done.Go(w.live)
	return w
}

// Close switches everything off.
func (w *World) Close() {
	w.end()
	w.done.Wait()
}

// Nodes are all nodes, by name.
func (w *World) Nodes() []*Node {
	w.mu.Lock()
	defer w.mu.Unlock()
	var nodes []*Node
	for _, name := range slices.Sorted(maps.Keys(w.nodes)) {
		nodes = append(nodes, w.nodes[name])
	}
	return nodes
}

// Node is a node by name, or nil.
func (w *World) Node(name string) *Node {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[name]
}

// Call is a call of the machine API that reached a node.
type Call struct {
	Node   string
	Method string // as in Bootstrap
}

// ErrDrop makes Before or After break the node's connections instead of
// answering.
var ErrDrop = errors.New("drop the connection")

// Before is asked before each call; its error is the call's.
func (w *World) Before(do func(context.Context, Call) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = do
}

// After is told of each call that was done, before its client is.
func (w *World) After(do func(Call)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.after = do
}

// Calls are the calls that were done so far.
func (w *World) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

func (w *World) asked(ctx context.Context, c Call) error {
	w.mu.Lock()
	do := w.before
	w.mu.Unlock()
	if do == nil {
		return nil
	}
	return do(ctx, c)
}

func (w *World) did(c Call) {
	w.mu.Lock()
	w.calls = append(w.calls, c)
	do := w.after
	w.mu.Unlock()
	if do != nil {
		do(c)
	}
}

// live moves etcd and the endpoints on, step by step.
func (w *World) live() {
	tick := time.NewTicker(w.o.Step)
	defer tick.Stop()
	for {
		select {
		case <-w.ctx.Done():
			w.closeEndpoints()
			return
		case <-tick.C:
			w.step()
		}
	}
}

func (w *World) step() {
	w.mu.Lock()
	var joined []Joined
	for _, c := range w.clusters {
		w.stepEtcd(c)
	}
	for _, n := range w.nodes {
		if j, ok := n.register(); ok {
			joined = append(joined, j)
		}
	}
	w.stepEndpoints()
	w.mu.Unlock()
	if w.o.Joined != nil {
		for _, j := range joined {
			w.o.Joined(j)
		}
	}
}
