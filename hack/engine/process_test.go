package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// child starts a shell that says "ready" and then waits for its end.
func child(t *testing.T, script string) process {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	polite   = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"
	stubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
)

func TestAProcessIsKnownByMoreThanItsPID(t *testing.T) {
	self, err := identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !self.alive() {
		t.Error("this process is not alive")
	}
	for name, other := range map[string]process{
		"another start":   {self.PID, self.Start + 1, self.Boot},
		"another boot":    {self.PID, self.Start, "before"},
		"no process":      {},
		"impossible pid":  {1 << 30, self.Start, self.Boot},
		"the wrong child": {1, self.Start, self.Boot},
	} {
		if other.alive() {
			t.Errorf("%s: it is taken for this process", name)
		}
		if err := other.signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%s: a signal to it gives %v", name, err)
		}
	}
}

func TestStopAsksFirst(t *testing.T) {
	p := child(t, polite)
	gracefully, err := p.stop(t.Context(), time.Minute)
	if err != nil || !gracefully || p.alive() {
		t.Errorf("gracefully %v, error %v, alive %v", gracefully, err, p.alive())
	}
}

func TestStopEndsWhatDoesNotListen(t *testing.T) {
	p := child(t, stubborn)
	gracefully, err := p.stop(t.Context(), 100*time.Millisecond)
	if err != nil || gracefully || p.alive() {
		t.Errorf("gracefully %v, error %v, alive %v", gracefully, err, p.alive())
	}
}

func TestStopOfAnEndedProcessIsNoError(t *testing.T) {
	p := child(t, polite)
	for range 2 {
		if _, err := p.stop(t.Context(), time.Minute); err != nil {
			t.Error(err)
		}
	}
}
