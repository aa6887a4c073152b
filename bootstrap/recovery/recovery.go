// Package recovery keeps a cluster's etcd outside of it, and brings it back: a
// snapshot is taken and verified; a fresh control plane with the same addresses
// begins from one.
//
// It promises that a snapshot is verified before anything is touched, that a
// living etcd is not thrown away unless its nodes are named, and that a recovery
// that was killed anywhere is finished by running it again.
package recovery

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pave-platform/pave/bootstrap/fleet"
	"github.com/pave-platform/pave/internal/etcdsnapshot"
	"github.com/pave-platform/pave/internal/fault"
)

// Options say what is recovered from what.
type Options struct {
	fleet.Options
	fleet.Files
	Snapshot      string   // file
	SkipHashCheck bool     // the file is a copy of a data directory's database, which has no hash
	Confirm       string   // the cluster's name, typed
	Wipe          []string // names of control planes whose etcd may be thrown away
	DryRun        bool     // verify, look, and say what would be done
}

// Result is what was done.
type Result struct {
	Cluster    string            `json:"cluster"`
	ID         string            `json:"id"`
	Snapshot   string            `json:"snapshot"` // path
	Info       etcdsnapshot.Info `json:"info"`
	TakenAt    time.Time         `json:"takenAt"`    // by the file's name, or else its time
	Recovered  string            `json:"recovered"`  // node that etcd was begun on, or would be; empty: it was there already
	Wiped      []string          `json:"wiped"`      // nodes whose etcd was thrown away, or would be
	Kubernetes string            `json:"kubernetes"` // version of the API server
	Kubeconfig string            `json:"kubeconfig"` // path
	Changed    bool              `json:"changed"`
	DryRun     bool              `json:"dryRun,omitempty"`
}

// Summary says what was done, in a few lines.
func (r Result) Summary(w io.Writer) {
	fmt.Fprintf(w, "snapshot %s: %s\n", r.Snapshot, describe(r.Info, r.TakenAt))
	would := ""
	if r.DryRun {
		would = "would be "
	}
	if len(r.Wiped) > 0 {
		fmt.Fprintf(w, "etcd of %s %sthrown away\n", strings.Join(r.Wiped, ", "), would)
	}
	if r.Recovered != "" {
		fmt.Fprintf(w, "etcd of cluster %s %srecovered on %s\n", r.Cluster, would, r.Recovered)
	} else {
		fmt.Fprintf(w, "the etcd of cluster %s holds what is in the snapshot: nothing to recover\n", r.Cluster)
	}
	if r.Kubernetes != "" {
		fmt.Fprintf(w, "Kubernetes %s is ready, %s\n", r.Kubernetes, r.Kubeconfig)
	}
}

func describe(i etcdsnapshot.Info, taken time.Time) string {
	return fmt.Sprintf("taken %s, %s ago, revision %d, %d keys, %d bytes",
		taken.UTC().Format(time.RFC3339), time.Since(taken).Round(time.Second), i.Revision, i.Keys, i.Bytes)
}

// Run recovers the cluster's etcd from a snapshot.
func Run(ctx context.Context, o Options) (Result, error) {
	info, err := etcdsnapshot.Read(o.Snapshot, o.SkipHashCheck)
	if err != nil {
		return Result{}, err
	}
	taken, err := takenAt(o.Snapshot)
	if err != nil {
		return Result{}, err
	}
	if err := o.Files.Writable(); err != nil {
		return Result{}, err
	}
	f, err := fleet.Open(ctx, o.Options)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	if err := check(f, o, info, taken); err != nil {
		return Result{}, err
	}
	r := Result{
		Cluster: f.Artefact.Cluster.Name, ID: f.Artefact.Cluster.ID, Snapshot: o.Snapshot, Info: info, TakenAt: taken,
		Wiped: []string{}, Kubeconfig: o.Kubeconfig, DryRun: o.DryRun,
	}
	ctx, cancel := context.WithCancel(ctx)
	wait := f.Await(ctx)
	defer wait()
	defer cancel() // nobody waits for workers
	err = recovered(ctx, f, o, &r)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil {
		err = missing(f)
	}
	return r, err
}

// missing names the control planes that did not come.
func missing(f *fleet.Fleet) error {
	for _, n := range f.ControlPlanes() {
		if n.Missing != nil {
			return f.Missing()
		}
	}
	return nil
}

// check refuses what is wrong with the request itself.
func check(f *fleet.Fleet, o Options, info etcdsnapshot.Info, taken time.Time) error {
	name := f.Artefact.Cluster.Name
	var own []string
	for _, n := range f.ControlPlanes() {
		own = append(own, n.Name)
	}
	for _, w := range o.Wipe {
		if !slices.Contains(own, w) {
			return fault.Inputf("%s is no control plane of cluster %s, whose are %s", w, name, strings.Join(own, ", "))
		}
	}
	if hosts := info.Hosts(); len(hosts) > 0 && !anyOf(f, hosts) {
		return fault.Inputf("snapshot %s is of another cluster: its members are at %s, and no control plane of %s is", o.Snapshot, strings.Join(hosts, ", "), name).
			Fix("give a snapshot of this cluster; the machines must have the addresses that it had then")
	}
	if o.Confirm != name && !o.DryRun {
		return fault.Inputf("recovering cluster %s from a snapshot (%s) loses everything that was written since", name, describe(info, taken)).
			Fix("if that is what you want, type the cluster's name: --confirm %s", name)
	}
	return nil
}

func anyOf(f *fleet.Fleet, hosts []string) bool {
	return slices.ContainsFunc(f.ControlPlanes(), func(n *fleet.Node) bool { return slices.Contains(hosts, n.Host()) })
}

// stamp is the time in the names of pave's snapshots.
const stamp = "20060102T150405Z"

var stamped = regexp.MustCompile(`-(\d{8}T\d{6}Z)\.`)

// takenAt tells how old a snapshot is: by its name, as pave gives it, or else by
// the file's time. The content does not say.
func takenAt(path string) (time.Time, error) {
	if m := stamped.FindStringSubmatch(path); m != nil {
		if t, err := time.Parse(stamp, m[1]); err == nil {
			return t, nil
		}
	}
	stat, err := os.Stat(path)
	if err != nil {
		return time.Time{}, fault.Inputf("snapshot: %w", err)
	}
	return stat.ModTime(), nil
}
