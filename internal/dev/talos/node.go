package talos

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/machine"
	"github.com/siderolabs/talos/pkg/machinery/resources/runtime"
)

// NodeOptions describe a machine.
type NodeOptions struct {
	Name    string
	Address string        // one of this machine, without a port: of loopback, or of a network namespace of the demo
	Config  []byte        // machine config, as from guestinfo; nil: it waits in maintenance mode for one
	Skew    time.Duration // how far its clock is ahead
	Off     bool          // it is not powered on
	Alone   bool          // it never joins an etcd
}

// Node is a machine that runs Talos. Its fields are guarded by the world.
type Node struct {
	w *World
	o NodeOptions

	config  config.Provider
	stage   runtime.MachineStage
	disk    bool // Talos has been installed: the one reboot is over
	serving bool // the secure API answers
	member  bool // its kubelet has registered it
	halted  bool
	etcd    *cluster // whose data is on its disk
	upload  []byte   // a snapshot that was sent with EtcdRecover

	stop    context.CancelFunc // power off; nil: it is off
	stopped chan struct{}
	again   context.CancelFunc // reboot
	given   chan struct{}      // a config was applied
	conns   *conns
}

// Add racks a machine, and powers it on unless it is to stay off.
func (w *World) Add(o NodeOptions) (*Node, error) {
	if net.ParseIP(o.Address) == nil {
		return nil, fmt.Errorf("node %s: %q is not an IP address", o.Name, o.Address)
	}
	n := &Node{w: w, o: o, given: make(chan struct{}, 1), conns: newConns()}
	if o.Config != nil {
		if err := n.configure(o.Config); err != nil {
			return nil, fmt.Errorf("node %s: machine config: %w", o.Name, err)
		}
	}
	w.mu.Lock()
	if _, taken := w.nodes[o.Name]; taken {
		w.mu.Unlock()
		return nil, fmt.Errorf("node %s: there is one of this name", o.Name)
	}
	w.nodes[o.Name] = n
	w.mu.Unlock()
	if !o.Off {
		n.PowerOn()
	}
	return n, nil
}

// Remove takes a machine out of the network.
func (w *World) Remove(name string) {
	n := w.Node(name)
	if n == nil {
		return
	}
	n.PowerOff()
	w.mu.Lock()
	defer w.mu.Unlock()
	n.wipe()
	delete(w.nodes, name)
}

// configure takes a machine config. The world's lock is not needed before the
// node is added.
func (n *Node) configure(raw []byte) error {
	c, err := configloader.NewFromBytes(raw)
	if err != nil {
		return err
	}
	if c.Machine() == nil || c.Cluster() == nil {
		return fmt.Errorf("it has no machine or no cluster section")
	}
	n.config = c
	return nil
}

// Name is the machine's name.
func (n *Node) Name() string { return n.o.Name }

// Address is the machine's IP address.
func (n *Node) Address() string { return n.o.Address }

func (n *Node) controlPlane() bool {
	return n.config != nil && n.config.Machine().Type() != machine.TypeWorker
}

// now is the time on the node's clock.
func (n *Node) now() time.Time { return time.Now().Add(n.o.Skew) }

// secret tells clusters apart.
func (n *Node) secret() [sha256.Size]byte {
	return sha256.Sum256([]byte(n.config.Machine().Security().Token() + "\n" + n.config.Cluster().Secret()))
}

// PowerOn boots the machine.
func (n *Node) PowerOn() {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.stop != nil || n.w.ctx.Err() != nil {
		return
	}
	ctx, stop := context.WithCancel(n.w.ctx)
	n.stop, n.stopped = stop, make(chan struct{})
	stopped := n.stopped
	n.w.done.Go(func() {
		defer close(stopped)
		n.run(ctx)
	})
}

// PowerOff stops the machine as a power cut does. Its disk stays.
func (n *Node) PowerOff() {
	n.w.mu.Lock()
	stop, stopped := n.stop, n.stopped
	n.stop = nil
	n.w.mu.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}

// Replace puts a fresh machine with the same name, address and config in the
// place of this one, powered on.
func (n *Node) Replace() {
	n.PowerOff()
	n.w.mu.Lock()
	n.wipe()
	n.disk, n.halted = false, false
	n.w.mu.Unlock()
	n.PowerOn()
}

// wipe loses what is on the ephemeral partition.
func (n *Node) wipe() {
	if n.etcd != nil {
		n.etcd.lost(n)
	}
	n.etcd, n.upload, n.member = nil, nil, false
}

// run boots again and again until the power goes.
func (n *Node) run(ctx context.Context) {
	for ctx.Err() == nil {
		boot, again := context.WithCancel(ctx)
		n.w.mu.Lock()
		n.again, n.halted = again, false
		n.w.mu.Unlock()
		if err := n.boot(boot); err != nil && ctx.Err() == nil {
			n.w.o.Log.Error("node failed", "node", n.o.Name, "error", err)
			again()
			return
		}
		again()
		n.w.mu.Lock()
		halted := n.halted
		n.w.mu.Unlock()
		if halted {
			return
		}
	}
}

// boot is one life between two reboots.
func (n *Node) boot(ctx context.Context) error {
	n.enter(runtime.MachineStageBooting, false)
	n.pause(ctx)
	n.w.mu.Lock()
	configured, disk := n.config != nil, n.disk
	n.w.mu.Unlock()
	switch {
	case !configured || !disk:
		return n.install(ctx, configured)
	case !n.awaitTrust(ctx):
		return nil
	}
	defer n.enter(runtime.MachineStageRebooting, false)
	return n.serve(ctx, n.secureTLS, func() { n.enter(runtime.MachineStageBooting, true) })
}

// install answers insecurely until Talos is on the disk, then reboots.
func (n *Node) install(ctx context.Context, configured bool) error {
	n.enter(runtime.MachineStageMaintenance, false)
	ctx, reboot := context.WithCancel(ctx)
	defer reboot()
	n.w.done.Go(func() {
		if !configured {
			select {
			case <-n.given:
			case <-ctx.Done():
			}
		}
		n.pause(ctx)
		reboot()
	})
	err := n.serve(ctx, n.maintenanceTLS, func() {})
	n.w.mu.Lock()
	n.disk = n.config != nil
	n.w.mu.Unlock()
	return err
}

// awaitTrust waits, on a worker, for a control plane of the cluster that gives
// it a certificate.
func (n *Node) awaitTrust(ctx context.Context) bool {
	for ctx.Err() == nil {
		n.w.mu.Lock()
		issuer := n.issuer()
		n.w.mu.Unlock()
		if issuer != nil {
			return true
		}
		n.pause(ctx)
	}
	return false
}

// issuer is the node whose CA signs this one's certificate.
func (n *Node) issuer() *Node {
	if n.controlPlane() {
		return n
	}
	for _, other := range n.w.nodes {
		if other.serving && other.controlPlane() && other.secret() == n.secret() {
			return other
		}
	}
	return nil
}

func (n *Node) enter(stage runtime.MachineStage, serving bool) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.stage, n.serving = stage, serving
	n.w.o.Log.Debug("node", "node", n.o.Name, "stage", stage, "secure", serving)
}

// pause lets one step pass.
func (n *Node) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(n.w.o.Step):
	}
}

// register gives the node to Kubernetes, once, when the cluster has one.
func (n *Node) register() (Joined, bool) {
	if n.member || !n.serving || n.config == nil {
		return Joined{}, false
	}
	c := n.w.clusterOf(n)
	if c == nil || !c.healthy() || (n.controlPlane() && n.etcd != c) {
		return Joined{}, false
	}
	n.member = true
	return Joined{Name: n.o.Name, Address: n.o.Address, Kubelet: n.kubelet(), ControlPlane: n.controlPlane()}, true
}

// listen takes the node's address. A process that is just being started holds a
// copy of every socket for a moment, also of the one that was closed before.
func (n *Node) listen(ctx context.Context) (net.Listener, error) {
	address := net.JoinHostPort(n.o.Address, strconv.Itoa(n.w.o.Port))
	for deadline := time.Now().Add(held); ; n.pause(ctx) {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return l, err
		}
	}
}

// held is longer than any process takes to start.
const held = 5 * time.Second
