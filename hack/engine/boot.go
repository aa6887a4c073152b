package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// stateInRoot is where the engine's root has the instance's state.
const stateInRoot = "/var/lib/dagger"

// The descriptors that hold the network's name and addresses: see os/exec's
// ExtraFiles.
const (
	firstExtraFile = 3
	networkFiles   = 2
)

// bootEngine is the first process in an engine's namespaces. It makes the
// engine's root, serves the builder image, starts the engine, passes the
// request to stop on to it, and clears the network behind it. When it ends the
// kernel ends every process and mount in the namespaces.
func bootEngine(ctx context.Context, r *record) error {
	for fd := firstExtraFile; fd < firstExtraFile+networkFiles; fd++ {
		syscall.CloseOnExec(fd) // the reservations are this process's, not the engine's
	}
	images, err := readImages(r.Parts.Images)
	if err != nil {
		return err
	}
	if err := enterRoot(r); err != nil {
		return err
	}
	builder, err := serveBuilder(ctx, images)
	if err != nil {
		return err
	}
	if err := writeEngineConfig("/etc/dagger/engine.json", r.Mirrors.with(builder)); err != nil {
		return err
	}
	if err := removeStaleNetworks(ctx, r.Network.Name); err != nil {
		return err
	}
	inUse := filepath.Join(stateInRoot, inUseMark)
	if err := os.WriteFile(inUse, nil, 0o600); err != nil {
		return err
	}
	engine, err := startEngine(r.Network, images)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()                       // we are asked to stop
		_ = engine.Signal(syscall.SIGTERM) // it fails only when the engine has ended
	}()
	status := reap(engine.Pid)
	if err := r.Network.remove(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if status.ExitStatus() != 0 {
		return fmt.Errorf("the engine ended with status %d", status.ExitStatus())
	}
	syscall.Sync() // the engine's mounts are volatile: what they wrote may not be on the disk yet
	return os.Remove(inUse)
}

// sweep does for an engine that was killed what bootEngine does at its end. It
// runs in namespaces like the engine's.
func sweep(ctx context.Context, r *record) error {
	if err := enterRoot(r); err != nil {
		return err
	}
	return removeStaleNetworks(ctx, "")
}

func startEngine(n network, im images) (*os.Process, error) {
	return os.StartProcess("/usr/local/bin/dagger-engine", []string{
		"dagger-engine",
		"--root", filepath.Join(stateInRoot, "engine"),
		"--network-name", n.Name,
		"--network-cidr", n.CIDR,
	}, &os.ProcAttr{
		Dir:   "/",
		Env:   append(os.Environ(), "DAGGER_GO_SDK_MANIFEST_DIGEST="+im.SDK.String()),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
}

// reap collects every process that ends here, orphans too, until pid does.
func reap(pid int) syscall.WaitStatus {
	for {
		var status syscall.WaitStatus
		if ended, err := syscall.Wait4(-1, &status, 0, nil); err == nil && ended == pid && !status.Stopped() {
			return status
		}
	}
}

// serveBuilder serves the builder image on a free port of the loopback
// interface and gives its address.
func serveBuilder(ctx context.Context, im images) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler:           builderRegistry(filepath.Join("/", contentFolder, "blobs"), im.Builder),
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() {
		if err := server.Serve(l); err != nil {
			fmt.Fprintln(os.Stderr, "builder registry:", err)
		}
	}()
	return l.Addr().String(), nil
}
