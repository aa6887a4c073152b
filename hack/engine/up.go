package main

import (
	"context"
	"os"
	"runtime"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/fault"
)

// upOptions is what `up` is told.
type upOptions struct {
	instance instance
	mirror   string // Debian's; empty: the host's own
	mirrors  mirrors
}

// up makes the parts, starts the engine and waits until it answers. Where it
// already runs that is all it sees to.
func up(ctx context.Context, c *buildcache.Cache, o upOptions) error {
	running, err := o.instance.running()
	if err != nil {
		return err
	}
	if running == nil && o.instance.mayBeDockers(ctx) {
		return upInDocker(ctx, c)
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return fault.Failedf("an engine without Docker needs Linux and root").Fix("run it as root, or start Docker")
	}
	unlock, err := o.instance.hold(ctx, c.Progress)
	if err != nil {
		return err
	}
	defer unlock()
	p, err := makeParts(ctx, c, o.mirror)
	if err != nil {
		return err
	}
	if running, err = o.instance.running(); err != nil {
		return err
	}
	if running != nil {
		return keepRunning(ctx, c.Progress, o.instance, running, p)
	}
	return start(ctx, c.Progress, o, p)
}

// keepRunning leaves a running engine alone, since others may use it, and says
// if it is not made of today's parts.
func keepRunning(ctx context.Context, say buildcache.Progress, i instance, r *record, now parts) error {
	if err := probe(ctx, r.Parts.CLI, i.address()); err != nil {
		return fault.Failedf("the engine runs as process %d but does not answer: %w", r.Process.PID, err).
			Fix("see the `logs` command, then use `down`")
	}
	if r.Version != DaggerVersion {
		return fault.Failedf("the engine that runs is Dagger %s, and %s is wanted", r.Version, DaggerVersion).
			Fix("use `down`, then `up`")
	}
	if r.Parts != now {
		say.Sayf("the engine that runs was made of other parts; `down` and `up` renew it")
	}
	say.Sayf("Dagger %s answers at %s", r.Version, i.address())
	return nil
}
