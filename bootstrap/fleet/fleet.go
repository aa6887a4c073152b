// Package fleet is the nodes of one cluster as phase 1 left them: the artefact,
// opened, and a connection to each node. Forming a cluster, looking at it and
// recovering it stand on it.
//
// It promises that one node which does not answer keeps nobody from the others.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	clientconfig "github.com/siderolabs/talos/pkg/machinery/client/config"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/internal/talosapi"
)

// Options say which cluster, and how patient to be.
type Options struct {
	Artefact string        // file of phase 1
	Identity secret.Source // age identity that opens it
	Cluster  string        // name that the artefact must have; empty: any
	MaxAge   time.Duration // of the artefact; 0: any
	Timeout  time.Duration // for each thing that is waited for; 0: 10 minutes
	Poll     time.Duration // between two looks; 0: 1 second
	Log      *slog.Logger  `json:"-"` // progress; nil: none
}

// Fleet is the nodes of a cluster.
type Fleet struct {
	Artefact    *artefact.Artefact
	Talosconfig *clientconfig.Config // an administrator's, made now
	Nodes       []*Node              // in the artefact's order
	Timeout     time.Duration
	Poll        time.Duration
	Log         *slog.Logger

	kubernetesCA []byte // PEM
}

// Node is a machine of the artefact and the way to it. What is found out about
// it is set by the one goroutine that looks.
type Node struct {
	*talosapi.Node
	Role    string // controlplane or worker
	Version string // of Talos; empty until it has answered
	Missing error  // why it has not answered; nil once it has

	answered chan struct{} // closed when one of the two is known
}

// ControlPlane tells whether the node is to run etcd and the Kubernetes API.
func (n *Node) ControlPlane() bool { return n.Role == "controlplane" }

// clockTolerance makes the client's certificates valid for nodes whose clocks
// are a little behind.
const clockTolerance = time.Hour

// Open reads the artefact and prepares the connections. It talks to nobody.
func Open(ctx context.Context, o Options) (*Fleet, error) {
	a, err := artefact.Read(o.Artefact, artefact.Expect{Cluster: o.Cluster, MaxAge: o.MaxAge})
	if err != nil {
		return nil, err
	}
	if len(a.ControlPlanes()) == 0 {
		return nil, fault.Inputf("the artefact %s has no control plane", o.Artefact).Fix("add one to cluster.yaml and run phase 1 again")
	}
	s, err := a.Open(o.Identity)
	if err != nil {
		return nil, err
	}
	s.Bundle.Clock = secrets.NewFixedClock(time.Now().Add(-clockTolerance))
	config, err := s.Talosconfig(a)
	if err != nil {
		return nil, err
	}
	access, err := talosapi.NewAccess(config)
	if err != nil {
		return nil, fault.Failedf("cluster %s: %w", a.Cluster.Name, err)
	}
	f := &Fleet{Artefact: a, Talosconfig: config, Timeout: o.Timeout, Poll: o.Poll, Log: o.Log, kubernetesCA: s.Bundle.Certs.K8s.Crt}
	if f.Timeout <= 0 {
		f.Timeout = 10 * time.Minute
	}
	if f.Poll <= 0 {
		f.Poll = time.Second
	}
	if f.Log == nil {
		f.Log = slog.New(slog.DiscardHandler)
	}
	for _, n := range a.Nodes {
		dialled, err := access.Dial(ctx, n.Name, n.Address)
		if err != nil {
			f.Close()
			return nil, fault.Failedf("%w", err)
		}
		f.Nodes = append(f.Nodes, &Node{Node: dialled, Role: n.Role, answered: make(chan struct{})})
	}
	return f, nil
}

// Close ends the connections.
func (f *Fleet) Close() {
	for _, n := range f.Nodes {
		n.Node.Close()
	}
}

// ControlPlanes are the nodes of that role, in the artefact's order.
func (f *Fleet) ControlPlanes() []*Node {
	var nodes []*Node
	for _, n := range f.Nodes {
		if n.ControlPlane() {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// Present are the control planes that have answered.
func (f *Fleet) Present() []*Node {
	var nodes []*Node
	for _, n := range f.ControlPlanes() {
		if n.Missing == nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// Await begins to wait for the secure Talos API of every node, side by side, and
// returns. The wait ends for each node when it answers, and for all when the
// fleet's timeout is over or ctx ends; then wait returns.
func (f *Fleet) Await(ctx context.Context) (wait func()) {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	var all sync.WaitGroup
	for _, n := range f.Nodes {
		all.Go(func() {
			defer close(n.answered)
			n.Version, n.Missing = n.Await(ctx, f.Poll, func(u *talosapi.Unreachable) {
				f.Log.Info("waiting for node", "node", n.Name, "reason", string(u.Reason), "detail", u.Detail)
			})
			if n.Missing == nil {
				f.Log.Info("node answers", "node", n.Name, "role", n.Role, "talos", n.Version)
			}
		})
	}
	return func() {
		all.Wait()
		cancel()
	}
}

// Settled waits until it is known of each of the nodes whether it answers.
func Settled(nodes []*Node) {
	for _, n := range nodes {
		<-n.answered
	}
}

func (n *Node) settled() bool {
	select {
	case <-n.answered:
		return true
	default:
		return false
	}
}

// Missing is an error that names the nodes that have not answered in their time,
// or nil.
func (f *Fleet) Missing() error {
	reasons, remedy := f.reasons()
	if len(reasons) == 0 {
		return nil
	}
	return fault.Failedf("%d of %d nodes did not come within %s: %s", len(reasons), len(f.Nodes), f.Timeout, strings.Join(reasons, "; ")).
		Fix("%s; then run this again, it goes on where it stopped", remedy)
}

// reasons are why nodes have not answered, and what a person can do about the
// last one.
func (f *Fleet) reasons() (reasons []string, remedy string) {
	for _, n := range f.Nodes {
		var u *talosapi.Unreachable
		if n.settled() && errors.As(n.Missing, &u) {
			reasons, remedy = append(reasons, u.Error()), u.Remedy()
		}
	}
	return reasons, remedy
}

// Enough makes sure that no control plane that does not answer can be part of an
// etcd that lives: the first one answers, and more than half. The rest of the
// error is what for.
func (f *Fleet) Enough(what string) error {
	all, present := f.ControlPlanes(), f.Present()
	if first := all[0]; first.Missing != nil {
		return fault.Failedf("etcd is %s on %s, the first control plane of the artefact, which does not answer: %w", what, first.Name, first.Missing).
			Fix("bring it up and run this again; nothing was %s", what)
	}
	if len(present)*2 <= len(all) {
		reasons, _ := f.reasons()
		return fault.Failedf("only %d of %d control planes answer, and the others may hold an etcd that lives: %s", len(present), len(all), strings.Join(reasons, "; ")).
			Fix("bring up more than half of them and run this again; nothing was %s", what)
	}
	return nil
}

// Until calls done every so often until it is true, gives an error that does not
// pass, or the fleet's timeout is over; then the error says what was waited for.
func (f *Fleet) Until(ctx context.Context, what string, done func(context.Context) (bool, string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	said := ""
	for {
		ok, state, err := done(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			return err
		case ok:
			return nil
		}
		if state != "" && state != said && ctx.Err() == nil { // what was cut short says nothing
			f.Log.Info("waiting for "+what, "state", state)
			said = state
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return fault.Failedf("%s: not within %s: %s", what, f.Timeout, orNothing(said)).
				Fix("look with pave bootstrap status; run this again, it goes on where it stopped")
		case <-time.After(f.Poll):
		}
	}
}

func orNothing(s string) string {
	if s == "" {
		return "there was no answer"
	}
	return s
}

// String names the cluster.
func (f *Fleet) String() string {
	return fmt.Sprintf("%s (%s)", f.Artefact.Cluster.Name, f.Artefact.Cluster.ID)
}
