package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/fault"
)

// stopTimeout is how long an engine may take to end by itself: it waits for its
// containers and writes its caches to disk.
const stopTimeout = 2 * time.Minute

// down ends the engine and leaves nothing of it running or mounted; with prune
// nothing at all but the parts it is made of.
func down(ctx context.Context, say buildcache.Progress, i instance, prune bool) error {
	if os.Geteuid() != 0 {
		return fault.Failedf("only root can end an engine").Fix("run it as root")
	}
	unlock, err := i.hold(ctx, say)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := readRecord(i.record())
	if err != nil {
		return err
	}
	if r == nil {
		say.Sayf("engine %s does not run", i.name)
	} else {
		i.state = r.State // whatever --state-dir says now
		if err := halt(ctx, say, i, r, stopTimeout); err != nil {
			return err
		}
	}
	if !prune {
		return nil
	}
	return errors.Join(os.RemoveAll(i.state), os.Remove(i.lock()))
}

// halt ends the engine on record, if it lives, and clears what is left.
func halt(ctx context.Context, say buildcache.Progress, i instance, r *record, patience time.Duration) error {
	begin, alive := time.Now(), r.Process.alive()
	gracefully, err := r.Process.stop(ctx, patience)
	if err != nil {
		return fmt.Errorf("stop process %d: %w", r.Process.PID, err)
	}
	if _, err := os.Stat(i.inUse()); err == nil || !gracefully {
		say.Sayf("engine %s did not end by itself; the next `up` starts with empty caches", i.name)
		if err := sweepNetwork(ctx, i, r); err != nil {
			return err
		}
	} else if alive {
		say.Sayf("engine %s ended after %s", i.name, buildcache.Seconds(time.Since(begin)))
	}
	return i.removeRunFiles()
}

// sweepNetwork removes from the host's network what a killed engine left there.
func sweepNetwork(ctx context.Context, i instance, r *record) error {
	if !r.Parts.complete() {
		return fault.Failedf("the network of engine %s cannot be cleared: the cache has been emptied", i.name).
			Fix("use `up`, then `down`")
	}
	var out bytes.Buffer
	cmd := inNamespaces(sweepCommand, i.record())
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("clear the network of engine %s: %w: %s", i.name, err, out.String())
	}
	return ctx.Err()
}

// removeRunFiles removes what is in the run folder, and the folder if it is
// empty then.
func (i instance) removeRunFiles() error {
	for _, f := range []string{i.socket(), i.record(), filepath.Join(i.run, "root")} {
		if err := os.Remove(f); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(i.run); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return err
	}
	return nil
}
