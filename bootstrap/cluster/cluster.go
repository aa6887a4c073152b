// Package cluster is phase 2 of the bootstrap: machines that run Talos become a
// Kubernetes cluster. It needs the artefact of phase 1 and the nodes, and no
// vCenter.
//
// It promises that etcd is bootstrapped exactly once in a cluster's life, however
// often it is run and wherever it was killed, and that a second run changes
// nothing.
package cluster

import (
	"context"
	"fmt"
	"io"

	"github.com/pave-platform/pave/bootstrap/fleet"
)

// Options say which cluster, and where its access goes.
type Options struct {
	fleet.Options
	fleet.Files
	Downloads Downloads // where else; the zero value is nowhere
	DryRun    bool      // look, and say what would be done
}

// Result is what was done.
type Result struct {
	Cluster      string   `json:"cluster"`
	ID           string   `json:"id"`
	Endpoint     string   `json:"endpoint"`     // of the Kubernetes API
	Kubernetes   string   `json:"kubernetes"`   // version of the API server; empty if it was not reached
	Bootstrapped string   `json:"bootstrapped"` // node on which this run began etcd, or would; empty: there was an etcd
	Nodes        []Node   `json:"nodes"`
	Kubeconfig   string   `json:"kubeconfig"`  // path
	Talosconfig  string   `json:"talosconfig"` // path
	Uploaded     []string `json:"uploaded"`    // names in Downloads
	Changed      bool     `json:"changed"`     // by this run: etcd was begun, or a file written
	DryRun       bool     `json:"dryRun,omitempty"`
}

// Node is a machine of the cluster.
type Node struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	Address string `json:"address"`
	Talos   string `json:"talos"`             // version; empty if it did not answer
	Missing string `json:"missing,omitempty"` // why it did not answer
}

// Summary says how the cluster is, in a few lines.
func (r Result) Summary(w io.Writer) {
	there := 0
	for _, n := range r.Nodes {
		if n.Missing == "" {
			there++
		}
	}
	fmt.Fprintf(w, "cluster %s: %d of %d nodes, Kubernetes %s at %s\n", r.Cluster, there, len(r.Nodes), orNone(r.Kubernetes), r.Endpoint)
	switch {
	case r.DryRun && r.Bootstrapped != "":
		fmt.Fprintf(w, "etcd would be bootstrapped on %s\n", r.Bootstrapped)
	case r.DryRun:
		fmt.Fprintln(w, "etcd is there: nothing would be bootstrapped")
	case r.Bootstrapped != "":
		fmt.Fprintf(w, "etcd was bootstrapped on %s\n", r.Bootstrapped)
	case !r.Changed:
		fmt.Fprintln(w, "nothing changed")
	}
	if !r.DryRun && r.Kubernetes != "" {
		fmt.Fprintf(w, "%s, %s\n", r.Kubeconfig, r.Talosconfig)
	}
	for _, name := range r.Uploaded {
		fmt.Fprintf(w, "uploaded %s\n", name)
	}
}

func orNone(s string) string {
	if s == "" {
		return "not reached"
	}
	return s
}

// Run forms the cluster, or finishes what an earlier run began. If some nodes do
// not come it does all it can with the others, and returns the result with an
// error that names them.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := o.Files.Writable(); err != nil {
		return Result{}, err
	}
	if err := o.Downloads.check(); err != nil {
		return Result{}, err
	}
	f, err := fleet.Open(ctx, o.Options)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	r := Result{
		Cluster: f.Artefact.Cluster.Name, ID: f.Artefact.Cluster.ID, Endpoint: f.Artefact.Cluster.Endpoint,
		Kubeconfig: o.Kubeconfig, Talosconfig: o.Talosconfig, Uploaded: []string{}, DryRun: o.DryRun,
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wait := f.Await(ctx)
	err = form(ctx, f, o, &r)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		fleet.Settled(f.ControlPlanes())
		cancel() // the cluster does not form: nobody waits for workers
	}
	wait()
	r.Nodes = nodes(f)
	if err == nil {
		err = f.Missing()
	}
	return r, err
}

func nodes(f *fleet.Fleet) []Node {
	list := []Node{}
	for _, n := range f.Nodes {
		node := Node{Name: n.Name, Role: n.Role, Address: n.Host(), Talos: n.Version}
		if n.Missing != nil {
			node.Missing = n.Missing.Error()
		}
		list = append(list, node)
	}
	return list
}

// form does what needs the control planes.
func form(ctx context.Context, f *fleet.Fleet, o Options, r *Result) error {
	fleet.Settled(f.ControlPlanes())
	first, err := begin(ctx, f, o.DryRun)
	if err != nil {
		return err
	}
	if first != nil {
		r.Bootstrapped, r.Changed = first.Name, !o.DryRun
	}
	if o.DryRun {
		return nil
	}
	if err := f.AwaitEtcd(ctx, f.Present(), again(f, first)); err != nil {
		return err
	}
	configs, err := f.Configs(ctx, o.Files, f.Present())
	if err != nil {
		return err
	}
	r.Kubernetes = configs.Kubernetes
	// Uploaded first: the file at the path is what tells the next run that all
	// was done.
	if r.Uploaded, err = o.Downloads.upload(ctx, f, configs); err != nil {
		return err
	}
	if err := configs.Write(o.Files); err != nil {
		return err
	}
	r.Changed = r.Changed || !configs.KubeconfigKept || !configs.TalosconfigKept || len(r.Uploaded) > 0
	return nil
}
