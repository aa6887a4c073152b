package recovery

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pave-platform/pave/bootstrap/fleet"
	"github.com/pave-platform/pave/internal/etcdsnapshot"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/talosapi"
)

// recovered does what is to be done on the control planes.
func recovered(ctx context.Context, f *fleet.Fleet, o Options, r *Result) error {
	fleet.Settled(f.ControlPlanes())
	if err := f.Enough("recovered"); err != nil {
		return err
	}
	sights, err := look(ctx, f)
	if err != nil {
		return err
	}
	there, err := judge(ctx, f, o, r, sights)
	if err != nil {
		return err
	}
	first := f.ControlPlanes()[0]
	if !there {
		r.Recovered = first.Name
	}
	if o.DryRun {
		return nil
	}
	var again func(context.Context, []fleet.Sight) error
	if !there {
		r.Changed = true
		if err := wipe(ctx, f, r.Wiped); err != nil {
			return err
		}
		if err := begin(ctx, f, o, first); err != nil {
			return err
		}
		again = repeat(f, o, first)
	}
	if err := f.AwaitEtcd(ctx, f.Present(), again); err != nil {
		return err
	}
	configs, err := f.Configs(ctx, o.Files, f.Present())
	if err != nil {
		return err
	}
	r.Kubernetes = configs.Kubernetes
	r.Changed = r.Changed || !configs.KubeconfigKept || !configs.TalosconfigKept
	return configs.Write(o.Files)
}

// settle is how long an etcd that has data may take to find its quorum.
const settle = 30 * time.Second

// look looks at the control planes until each has no etcd, or all that have one
// have a quorum, or those that have none had time enough to find it.
func look(ctx context.Context, f *fleet.Fleet) (sights []fleet.Sight, err error) {
	begun := time.Now()
	err = f.Until(ctx, "the state of etcd", func(ctx context.Context) (bool, string, error) {
		sights = fleet.Etcd(ctx, f.Present())
		for _, s := range sights {
			if s.Err != nil {
				return false, s.Err.Error(), nil
			}
			if s.Data && len(s.Members) == 0 && time.Since(begun) < min(settle, f.Timeout/4) {
				return false, s.Node.Name + " has etcd's data and no quorum", nil
			}
		}
		return true, "", nil
	})
	return sights, err
}

// judge decides: is what is in the snapshot there already, may the recovery
// begin, and whose etcd is thrown away before?
func judge(ctx context.Context, f *fleet.Fleet, o Options, r *Result, sights []fleet.Sight) (there bool, err error) {
	var holders []string
	var living *fleet.Sight
	for i, s := range sights {
		if s.Data {
			holders = append(holders, s.Node.Name)
		}
		if len(s.Members) > 0 && living == nil {
			living = &sights[i]
		}
	}
	unnamed := slices.DeleteFunc(slices.Clone(holders), func(n string) bool { return slices.Contains(o.Wipe, n) })
	if living != nil {
		held, restored, err := descends(ctx, living, r.Info)
		switch {
		case err != nil:
			return false, err
		case held && (restored || len(unnamed) > 0):
			f.Log.Info("the living etcd holds what is in the snapshot", "node", living.Node.Name)
			return true, nil
		case len(unnamed) > 0:
			return false, fault.Gatef("the etcd of cluster %s lives on %s, and has nothing to do with the snapshot", r.Cluster, strings.Join(holders, ", ")).
				Fix("if it is to be thrown away, name its nodes: --wipe %s", strings.Join(holders, ","))
		}
	}
	if len(unnamed) > 0 {
		return false, fault.Gatef("%s still hold etcd's data, without a quorum", strings.Join(unnamed, ", ")).
			Fix("if it is to be thrown away, name the nodes: --wipe %s; else replace them with fresh machines (phase 1)", strings.Join(holders, ","))
	}
	r.Wiped = append(r.Wiped, holders...)
	return false, nil
}

// descends tells whether a living etcd holds the snapshot's last change, and
// whether it was restored from a snapshot with it: its log is then younger than
// what it holds.
func descends(ctx context.Context, living *fleet.Sight, info etcdsnapshot.Info) (held, restored bool, err error) {
	dir, err := os.MkdirTemp("", "pave-etcd-")
	if err != nil {
		return false, false, fault.Failedf("%w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "living.db")
	if _, err := fetch(ctx, living.Node, path); err != nil {
		return false, false, err
	}
	now, err := etcdsnapshot.Read(path, false)
	if err != nil {
		return false, false, err
	}
	if held, err = now.Holds(info); err != nil {
		return false, false, fault.Failedf("etcd of %s: %w", living.Node.Name, err)
	}
	index, err := living.Node.RaftIndex(ctx)
	if err != nil {
		return false, false, fault.Failedf("etcd of %s: %w", living.Node.Name, err)
	}
	return held, held && info.Revision > 0 && index < uint64(info.Revision), nil
}

// wipe throws the etcd of the named nodes away and waits until they are back
// without it.
func wipe(ctx context.Context, f *fleet.Fleet, names []string) error {
	errs := make([]error, len(f.Present()))
	var all sync.WaitGroup
	for i, n := range f.Present() {
		if !slices.Contains(names, n.Name) {
			continue
		}
		all.Go(func() { errs[i] = wipeOne(ctx, f, n) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func wipeOne(ctx context.Context, f *fleet.Fleet, n *fleet.Node) error {
	f.Log.Info("throwing etcd's data away", "node", n.Name)
	return f.Until(ctx, n.Name+" without etcd's data", func(ctx context.Context) (bool, string, error) {
		e, err := n.Etcd(ctx)
		switch {
		case err != nil:
			return false, "it reboots", nil
		case !e.Data:
			return true, "", nil
		}
		if err := n.WipeData(ctx); err != nil && !talosapi.Passing(err) {
			return false, "", fault.Failedf("node %s refuses to be reset: %w", n.Name, err).Fix("look at the node with talosctl")
		}
		return false, "it is being reset", nil
	})
}

// begin uploads the snapshot to the first control plane and has it begin etcd
// from there.
func begin(ctx context.Context, f *fleet.Fleet, o Options, first *fleet.Node) error {
	f.Log.Info("recovering etcd", "node", first.Name, "snapshot", o.Snapshot)
	return f.Until(ctx, "the recovery of etcd on "+first.Name, func(ctx context.Context) (bool, string, error) {
		err := restore(ctx, o, first)
		switch {
		case err == nil:
			return true, "", nil
		case talosapi.Passing(err):
			return false, err.Error(), nil
		default:
			return false, "", fault.Failedf("node %s refuses to recover etcd: %w", first.Name, err).Fix("look at the node with talosctl")
		}
	})
}

// restore is one try. A node that has an etcd meanwhile had its answer lost.
func restore(ctx context.Context, o Options, first *fleet.Node) error {
	file, err := os.Open(o.Snapshot)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := first.Upload(ctx, file); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	_, err = first.Bootstrap(ctx, true, o.SkipHashCheck)
	return err
}

// patience is how long the node may have nothing of etcd after it has taken the
// request, which Talos keeps in memory.
const patience = 2 * time.Minute

// repeat asks the same node again when the request was lost.
func repeat(f *fleet.Fleet, o Options, first *fleet.Node) func(context.Context, []fleet.Sight) error {
	asked := time.Now()
	return func(ctx context.Context, sights []fleet.Sight) error {
		for _, s := range sights {
			if s.Node != first || s.Err != nil || s.Data || time.Since(asked) < min(patience, f.Timeout/4) {
				continue
			}
			asked = time.Now()
			f.Log.Warn("etcd has not begun: asking again", "node", first.Name)
			if err := restore(ctx, o, first); err != nil && !talosapi.Passing(err) {
				return fault.Failedf("node %s refuses to recover etcd: %w", first.Name, err).Fix("look at the node with talosctl")
			}
		}
		return nil
	}
}
