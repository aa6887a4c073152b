package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// ran is a command that ended well.
type ran struct {
	wall   time.Duration
	cpu    time.Duration // of all cores, for the program and the kernel
	peak   float64       // resident memory at its most, MB
	stdout string
}

// exec runs a command in a folder. What it said is in the error if it fails.
func (l *lab) exec(ctx context.Context, dir string, argv ...string) (ran, error) {
	cmd := command(ctx, dir, argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	r := ran{wall: time.Since(start), stdout: stdout.String()}
	if err != nil {
		return r, fmt.Errorf("%s: %w\n%s", l.typed(dir, argv...), err, tail(stdout.String()+stderr.String()))
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	// The child's peak begins with ours at the time of the fork, which is small
	// because images are written to disk and never held.
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = float64(usage.Maxrss) / 1024 // Linux counts in KB
	}
	return r, nil
}

// repeat runs a command as often as was asked for.
func (l *lab) repeat(ctx context.Context, dir string, argv ...string) ([]ran, error) {
	var all []ran
	for range l.runs {
		r, err := l.exec(ctx, dir, argv...)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// environment holds the Makefile's build settings, because others compile all
// again, and lets no program look for news of itself.
var environment = []string{
	"CGO_ENABLED=0", "GOEXPERIMENT=jsonv2", "GOFLAGS=-trimpath -buildvcs=false",
	"DO_NOT_TRACK=1", "DAGGER_NO_NAG=1", "SYFT_CHECK_FOR_APP_UPDATE=false",
}

// command is asked to stop, before it is made to, when ctx ends.
func command(ctx context.Context, dir string, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), environment...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// typed is the command as one would type it, with names for the places
// that differ between machines.
func (l *lab) typed(dir string, argv ...string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		if words[i] = a; a == "" || strings.ContainsAny(a, " \t\n'\"\\*?;&|<>()`#") {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	s := strings.Join(words, " ")
	if dir != l.dir {
		s = "cd " + dir + " && " + s
	}
	for _, known := range [][2]string{{l.dir, "$BENCH"}, {l.pave, "$PAVE"}, {l.repository, "$REPO"}} {
		if known[0] != "" {
			s = strings.ReplaceAll(s, known[0], known[1])
		}
	}
	return s
}

// tail gives the last lines of s, as many as an error can have.
func tail(s string) string {
	const most = 15
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
