package cluster

import (
	"context"
	"time"

	"github.com/pave-platform/pave/bootstrap/fleet"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/talosapi"
)

// begin bootstraps etcd if the cluster has none, and gives the node that it did
// so on; nil: there is an etcd. The rules are those of ADR 0019.
func begin(ctx context.Context, f *fleet.Fleet, dryRun bool) (*fleet.Node, error) {
	var on *fleet.Node
	err := f.Until(ctx, "the state of etcd", func(ctx context.Context) (bool, string, error) {
		var state string
		var err error
		on, state, err = decide(f, fleet.Etcd(ctx, f.Present()))
		return state == "", state, err
	})
	if err != nil || on == nil || dryRun {
		return on, err
	}
	f.Log.Info("bootstrapping etcd", "node", on.Name)
	err = f.Until(ctx, "the bootstrap of etcd on "+on.Name, func(ctx context.Context) (bool, string, error) {
		_, err := on.Bootstrap(ctx, false, false)
		switch {
		case err == nil: // it begins, or an answer to an earlier try was lost
			return true, "", nil
		case talosapi.Passing(err):
			return false, err.Error(), nil
		default:
			return false, "", fault.Failedf("node %s refuses to bootstrap etcd: %w", on.Name, err).Fix("look at the node with talosctl")
		}
	})
	return on, err
}

// decide gives the node to bootstrap etcd on, or nil if there is an etcd. A
// state that is not empty says why it cannot be decided yet.
func decide(f *fleet.Fleet, sights []fleet.Sight) (on *fleet.Node, state string, err error) {
	for _, s := range sights {
		if s.Err == nil && s.Data {
			return nil, "", nil
		}
	}
	for _, s := range sights {
		if s.Err != nil { // it answered before: it may reboot
			return nil, s.Err.Error(), nil
		}
	}
	return f.ControlPlanes()[0], "", f.Enough("bootstrapped")
}

// patience is how long a node may have nothing of etcd after it has taken the
// request. Talos keeps the request in memory: a restart of its own loses it.
const patience = 2 * time.Minute

// again repeats the request on the same node, and on no other, when it was lost.
func again(f *fleet.Fleet, first *fleet.Node) func(context.Context, []fleet.Sight) error {
	asked := time.Now()
	return func(ctx context.Context, sights []fleet.Sight) error {
		for _, s := range sights {
			if s.Node != first || s.Err != nil || s.Data || time.Since(asked) < min(patience, f.Timeout/4) {
				continue
			}
			asked = time.Now()
			f.Log.Warn("etcd has not begun: asking again", "node", first.Name)
			if _, err := first.Bootstrap(ctx, false, false); err != nil && !talosapi.Passing(err) {
				return fault.Failedf("node %s refuses to bootstrap etcd: %w", first.Name, err).Fix("look at the node with talosctl")
			}
		}
		return nil
	}
}
