package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process names one process for good: a pid alone is given again to others.
type process struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // ticks after boot, field 22 of proc_pid_stat(5)
	Boot  string `json:"boot"`  // the kernel's boot id
}

// identify gives the process that has this pid now.
func identify(pid int) (process, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return process{}, err
	}
	state, start, err := processStat(pid)
	if err != nil {
		return process{}, err
	}
	if state == "Z" {
		return process{}, fmt.Errorf("process %d has ended", pid)
	}
	return process{PID: pid, Start: start, Boot: strings.TrimSpace(string(boot))}, nil
}

// processStat reads the state and the start time of a process.
func processStat(pid int) (state string, start uint64, err error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", 0, err
	}
	end := bytes.LastIndexByte(data, ')') // the name before it may hold anything
	fields := strings.Fields(string(data[end+1:]))
	if end < 0 || len(fields) < 20 {
		return "", 0, fmt.Errorf("/proc/%d/stat: unknown format", pid)
	}
	start, err = strconv.ParseUint(fields[19], 10, 64)
	return fields[0], start, err
}

// alive says whether this very process still runs.
func (p process) alive() bool {
	now, err := identify(p.PID)
	return err == nil && now == p
}

// signal sends to this very process, never to another with its pid: the handle
// is taken first, then what it refers to is checked.
func (p process) signal(s syscall.Signal) error {
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Release() }()
	if !p.alive() {
		return os.ErrProcessDone
	}
	return handle.Signal(s)
}

// stop asks the process to end, waits up to patience, and then makes it end.
// It tells whether the process ended by itself.
func (p process) stop(ctx context.Context, patience time.Duration) (gracefully bool, err error) {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return errors.Is(err, os.ErrProcessDone), ignoreDone(err)
	}
	if err := p.waitGone(ctx, patience); !errors.Is(err, errStillRunning) {
		return err == nil, err
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return false, ignoreDone(err)
	}
	return false, p.waitGone(ctx, 10*time.Second)
}

func ignoreDone(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

var errStillRunning = errors.New("still running")

func (p process) waitGone(ctx context.Context, patience time.Duration) error {
	deadline := time.After(patience)
	for p.alive() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("process %d is %w", p.PID, errStillRunning)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
