package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/subprocess"
)

// startTimeout is how long an engine may take until it answers.
const startTimeout = 60 * time.Second

// start starts an engine that does not run. The caller holds the instance.
func start(ctx context.Context, say buildcache.Progress, o upOptions, p parts) error {
	i := o.instance
	if err := recoverFromCrash(say, i); err != nil {
		return err
	}
	if err := prepareFolders(i); err != nil {
		return err
	}
	n, held, err := reserveNetwork(i.name)
	defer closeAll(held)
	if err != nil {
		return err
	}
	r := &record{
		Name: i.name, Version: DaggerVersion, Started: time.Now().Truncate(time.Second),
		State: i.state, Run: i.run, Network: n, Parts: p, Mirrors: o.mirrors,
	}
	begin := time.Now()
	err = launch(ctx, i, r, held)
	if err == nil {
		err = waitForAnswer(ctx, i, r)
	}
	if err != nil {
		return errors.Join(err, halt(context.WithoutCancel(ctx), say, i, r, 10*time.Second))
	}
	say.Sayf("Dagger %s answers at %s after %s", r.Version, i.address(), buildcache.Seconds(time.Since(begin)))
	return nil
}

// recoverFromCrash removes the state of an engine that was killed: the kernel
// refuses overlay mounts that were not unmounted ("incompat feature
// 'volatile'"). What such an engine left in the network the next one removes.
func recoverFromCrash(say buildcache.Progress, i instance) error {
	if _, err := os.Stat(i.inUse()); err != nil {
		return nil
	}
	say.Sayf("the last engine did not end as it should: removing its caches in %s", i.state)
	return os.RemoveAll(i.state)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

const overlayMagic = 0x794c7630 // statfs(2)

func prepareFolders(i instance) error {
	for _, d := range []string{i.state, i.run} {
		if err := os.MkdirAll(d, 0o711); err != nil {
			return err
		}
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(i.state, &fs); err != nil {
		return err
	}
	if fs.Type == overlayMagic {
		return fault.Failedf("%s is on an overlay file system, where containers cannot be made", i.state).
			Fix("mount a volume there, or name a folder on another file system with --state-dir")
	}
	return nil
}

// launch starts the engine detached from us, with the files that hold its
// network, and puts its process on record.
func launch(ctx context.Context, i instance, r *record, held []*os.File) error {
	if err := r.write(i.record()); err != nil {
		return err
	}
	log, err := os.OpenFile(i.log(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	env, err := engineEnv(ctx)
	if err != nil {
		return err
	}
	cmd := inNamespaces(bootCommand, i.record())
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = env, log, log, held
	if err := cmd.Start(); err != nil {
		return fault.Failedf("namespaces for the engine: %w", err).Fix("run it where mount and pid namespaces can be made")
	}
	defer func() { _ = cmd.Process.Release() }()
	if r.Process, err = identify(cmd.Process.Pid); err != nil {
		return fault.Failedf("the engine ended at once: %w; its log:\n%s", err, logTail(i))
	}
	return r.write(i.record())
}

// inNamespaces prepares this program, with another command, as the first
// process in mount and pid namespaces of its own, out of reach of the terminal.
func inNamespaces(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), "/proc/self/exe", args...) // it outlives us
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	return cmd
}

// engineEnv is the engine's environment: of ours only what leads to the network
// and to certificates.
func engineEnv(ctx context.Context) ([]string, error) {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "DO_NOT_TRACK=1", "DAGGER_NO_NAG=1",
	}
	for _, name := range append([]string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}, trustVariables...) {
		for _, n := range []string{name, strings.ToLower(name)} {
			if v, ok := os.LookupEnv(n); ok {
				env = append(env, n+"="+v)
			}
		}
	}
	proxy, err := goEnv(ctx, "GOPROXY")
	// The engine hands this one to the containers in which it compiles modules.
	return append(env, "_DAGGER_ENGINE_SYSTEMENV_GOPROXY="+proxy), err
}

// waitForAnswer waits until the engine answers a query.
func waitForAnswer(ctx context.Context, i instance, r *record) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer after %s", startTimeout))
	defer cancel()
	for {
		if _, err := os.Stat(i.socket()); err == nil {
			if probe(ctx, r.Parts.CLI, i.address()) == nil {
				return nil
			}
		}
		if !r.Process.alive() {
			return fault.Failedf("the engine ended at once; the end of its log:\n%s", logTail(i))
		}
		select {
		case <-ctx.Done():
			return fault.Failedf("the engine: %w; the end of its log:\n%s", context.Cause(ctx), logTail(i))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func logTail(i instance) string {
	data, err := os.ReadFile(i.log())
	if err != nil {
		return err.Error()
	}
	return subprocess.Tail(string(data), 15)
}
