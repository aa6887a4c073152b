package recovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pave-platform/pave/bootstrap/fleet"
	"github.com/pave-platform/pave/internal/etcdsnapshot"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/objectstore"
)

// SnapshotOptions say where a snapshot goes: exactly one of Output, Dir and S3.
type SnapshotOptions struct {
	fleet.Options
	Output string              // file
	Dir    string              // folder, in which the file is called CLUSTER-TIME.snapshot
	S3     objectstore.Options // bucket, in which the object is called so
	Keep   int                 // newest snapshots of the cluster that stay in Dir or S3; 0: all
}

// Snapshot is a snapshot that was taken.
type Snapshot struct {
	Cluster  string            `json:"cluster"`
	Node     string            `json:"node"`     // it was taken from
	Location string            `json:"location"` // path, or s3://bucket/key
	TakenAt  time.Time         `json:"takenAt"`
	Info     etcdsnapshot.Info `json:"info"`
	Removed  []string          `json:"removed"` // older ones, beyond Keep
}

// Summary says what was taken, in a few lines.
func (s Snapshot) Summary(w io.Writer) {
	fmt.Fprintf(w, "%s: etcd of cluster %s from %s, %s\n", s.Location, s.Cluster, s.Node, describe(s.Info, s.TakenAt))
	for _, r := range s.Removed {
		fmt.Fprintln(w, "removed", r)
	}
}

// Take takes a snapshot of the cluster's etcd, verifies it and puts it where it
// goes, whole or not at all.
func Take(ctx context.Context, o SnapshotOptions) (Snapshot, error) {
	if err := o.check(); err != nil {
		return Snapshot{}, err
	}
	var store *objectstore.Store
	if !o.S3.IsZero() {
		var err error
		if store, err = objectstore.New(o.S3); err != nil {
			return Snapshot{}, err
		}
	}
	f, err := fleet.Open(ctx, o.Options)
	if err != nil {
		return Snapshot{}, err
	}
	defer f.Close()
	s := Snapshot{Cluster: f.Artefact.Cluster.Name, TakenAt: time.Now().UTC().Truncate(time.Second), Removed: []string{}}
	name := s.Cluster + "-" + s.TakenAt.Format(stamp) + suffix
	path := o.Output
	if o.Dir != "" {
		path = filepath.Join(o.Dir, name)
	}
	if store != nil {
		dir, err := os.MkdirTemp("", "pave-etcd-")
		if err != nil {
			return Snapshot{}, fault.Failedf("%w", err)
		}
		defer os.RemoveAll(dir)
		path = filepath.Join(dir, name)
	}
	if s.Node, err = take(ctx, f, path, &s.Info); err != nil {
		return Snapshot{}, err
	}
	s.Location = path
	if store != nil {
		if s.Location, err = store.Put(ctx, name, path, s.Info.SHA256); err != nil {
			return Snapshot{}, err
		}
	}
	s.Removed, err = o.prune(ctx, store, s.Cluster)
	return s, err
}

const suffix = ".snapshot"

func (o SnapshotOptions) check() error {
	named := 0
	for _, given := range []bool{o.Output != "", o.Dir != "", !o.S3.IsZero()} {
		if given {
			named++
		}
	}
	switch {
	case named != 1:
		return fault.Inputf("a snapshot goes to one place: %d are named", named).Fix("give one of --output, --output-dir and --s3-bucket")
	case o.Keep < 0:
		return fault.Inputf("--keep %d is below 0", o.Keep)
	case o.Keep > 0 && o.Output != "":
		return fault.Inputf("--keep goes with --output-dir and --s3-bucket").Fix("leave --keep out, or give --output-dir")
	}
	return nil
}

// take writes the snapshot of the first control plane that gives one to path.
func take(ctx context.Context, f *fleet.Fleet, path string, info *etcdsnapshot.Info) (node string, err error) {
	var errs []error
	for _, n := range f.ControlPlanes() {
		_, err := n.Node.Version(ctx)
		if err == nil {
			f.Log.Info("taking a snapshot", "node", n.Name)
			*info, err = fetch(ctx, n, path)
		}
		if err == nil {
			return n.Name, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		errs = append(errs, err)
	}
	text := strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; ")
	return "", fault.Failedf("no control plane of cluster %s gives a snapshot: %s", f.Artefact.Cluster.Name, text).Fix("look with pave bootstrap status")
}

// fetch writes a node's snapshot to path, verified, for the user alone.
func fetch(ctx context.Context, n *fleet.Node, path string) (etcdsnapshot.Info, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return etcdsnapshot.Info{}, fault.Inputf("snapshot: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // of mode 0600
	if err != nil {
		return etcdsnapshot.Info{}, fault.Inputf("snapshot: %w", err)
	}
	defer os.Remove(file.Name()) // does nothing once it is renamed
	if err := errors.Join(n.Snapshot(ctx, file), file.Sync(), file.Close()); err != nil {
		return etcdsnapshot.Info{}, fmt.Errorf("%s: %w", n.Name, err)
	}
	info, err := etcdsnapshot.Read(file.Name(), false)
	if err != nil {
		return etcdsnapshot.Info{}, fault.Failedf("%s sent a snapshot that is not whole: %w", n.Name, errors.Unwrap(err))
	}
	return info, os.Rename(file.Name(), path)
}

// prune removes the oldest snapshots of the cluster. Their names sort by time.
func (o SnapshotOptions) prune(ctx context.Context, store *objectstore.Store, cluster string) ([]string, error) {
	removed := []string{}
	if o.Keep == 0 {
		return removed, nil
	}
	names, err := o.list(ctx, store)
	if err != nil {
		return removed, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !ours(n, cluster) })
	slices.Sort(names)
	for _, n := range names[:max(0, len(names)-o.Keep)] {
		if store != nil {
			err = store.Delete(ctx, n)
		} else {
			err = os.Remove(filepath.Join(o.Dir, n))
		}
		if err != nil {
			return removed, fault.Failedf("the snapshot was taken; removing %s: %w", n, err)
		}
		removed = append(removed, n)
	}
	return removed, nil
}

// ours tells whether a name is one that Take gave to a snapshot of the cluster.
func ours(name, cluster string) bool {
	rest, ok := strings.CutPrefix(name, cluster+"-")
	if !ok {
		return false
	}
	_, err := time.Parse(stamp+suffix, rest)
	return err == nil
}

func (o SnapshotOptions) list(ctx context.Context, store *objectstore.Store) ([]string, error) {
	if store != nil {
		return store.List(ctx)
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		return nil, fault.Failedf("snapshots: %w", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}
