package e2e

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// limit is how long one command may take: a cold engine compiles the binary first.
const limit = 20 * time.Minute

// outcome is what a command did.
type outcome struct {
	code           int
	stdout, stderr string
}

// dagger runs the CLI in dir.
func dagger(t *testing.T, dir string, args ...string) outcome {
	t.Helper()
	return finish(t, dir, "dagger", args...)
}

// finish runs a command to its end, whatever that is. None may say a secret.
func finish(t *testing.T, dir, name string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := command(ctx, dir, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	must(t, start(cmd))
	err := cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", cmd, err)
	}
	o := outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	noCanary(t, cmd.String(), stdout.Bytes(), stderr.Bytes())
	return o
}

// command is a process that is interrupted, as by Ctrl-C, when ctx ends.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 30 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return cmd
}

// succeed fails the test unless the command ended well.
func (o outcome) succeed(t *testing.T) outcome {
	t.Helper()
	if o.code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", o.code, o.stdout, o.stderr)
	}
	return o
}

// start starts cmd on a thread that lives as long as the process does: the kernel sends
// Pdeathsig when the thread ends that made the child, and a lab's threads come and go.
func start(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		for err == nil || errors.Is(err, unix.EINTR) {
			if err = unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err == nil {
				return
			}
		}
	}()
	return <-started
}
