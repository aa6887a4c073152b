package vms

import (
	"fmt"
	"io"

	"github.com/pave-platform/pave/bootstrap/artefact"
)

// Action is what is done to something.
type Action string

// The actions.
const (
	Create  Action = "create"
	PowerOn Action = "power on"
	Attach  Action = "attach"
	Write   Action = "write"
	Remove  Action = "remove"
)

// Kind is what something is.
type Kind string

// The kinds.
const (
	KindFolder   Kind = "folder"
	KindImage    Kind = "image"
	KindMachine  Kind = "machine"
	KindTags     Kind = "tags"
	KindArtefact Kind = "artefact"
)

// Change is one thing that a run does, or would do.
type Change struct {
	Action Action `json:"action"`
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	Detail string `json:"detail,omitempty"`
}

// Node is a machine of the cluster, after the run.
type Node struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	Address string `json:"address,omitempty"` // empty: not known yet
	VM      string `json:"vm,omitempty"`      // vCenter's id
	Changed bool   `json:"changed"`
	// Seconds is how long the machine took in this run, from its turn to its address.
	Seconds float64 `json:"seconds,omitempty"`
}

// Result is what a run did, or with DryRun would do.
type Result struct {
	Cluster string   `json:"cluster"`
	ID      string   `json:"id,omitempty"` // of the cluster; empty where it is not made yet
	DryRun  bool     `json:"dryRun"`
	Changes []Change `json:"changes"`
	Nodes   []Node   `json:"nodes"`
	// Differs says where a machine is not as cluster.yaml has it. Machines are
	// replaced, not altered.
	Differs []string `json:"differs,omitempty"`
	// Unlisted are machines of the cluster that cluster.yaml does not have. They
	// stay: who takes one away also has to take it out of Kubernetes and etcd.
	Unlisted     []string `json:"unlisted,omitempty"`
	ArtefactPath string   `json:"artefact"`

	old     *artefact.Artefact
	removal bool // the run is one of Destroy
}

// Changed tells whether anything was, or would be, done.
func (r *Result) Changed() bool { return len(r.Changes) > 0 }

// Summary says it to a person.
func (r *Result) Summary(w io.Writer) {
	verb := ""
	if r.DryRun {
		verb = "would "
	}
	for _, c := range r.Changes {
		fmt.Fprintf(w, "%s%s %s %s", verb, c.Action, c.Kind, c.Name)
		if c.Detail != "" {
			fmt.Fprintf(w, " (%s)", c.Detail)
		}
		fmt.Fprintln(w)
	}
	for _, d := range r.Differs {
		fmt.Fprintf(w, "differs: %s\n", d)
	}
	for _, name := range r.Unlisted {
		fmt.Fprintf(w, "not in cluster.yaml: %s\n", name)
	}
	switch {
	case r.removal && !r.Changed():
		fmt.Fprintf(w, "nothing of cluster %s is there\n", r.Cluster)
	case r.removal && !r.DryRun:
	case !r.Changed():
		fmt.Fprintf(w, "cluster %s is as cluster.yaml has it, %d machines\n", r.Cluster, len(r.Nodes))
	case r.DryRun:
		fmt.Fprintf(w, "cluster %s: %d changes\n", r.Cluster, len(r.Changes))
	default:
		for _, n := range r.Nodes {
			fmt.Fprintf(w, "%-12s %-30s %s\n", n.Role, n.Name, n.Address)
		}
		fmt.Fprintf(w, "artefact %s\n", r.ArtefactPath)
	}
}
