package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Host runs servers as ordinary children of this program.
type Host struct{}

// patience is how long a child has to end by itself.
const patience = 5 * time.Second

type child struct {
	spec Spec
	cmd  *exec.Cmd
	done chan struct{}
}

// Run implements Runner. The kernel kills the server if this program dies. It
// does so when the thread that started the child ends, hence one that stays.
// The end of ctx does not end the server.
func (Host) Run(_ context.Context, s Spec) (Process, error) {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &child{spec: s, cmd: exec.CommandContext(context.Background(), s.Path, s.Args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Dir = s.Dir
	p.cmd.Env = append([]string{}, s.Env...) // nil would be this program's
	p.cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // ProcessState has it
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	return p, nil
}

// Ended implements Process.
func (p *child) Ended() error {
	select {
	case <-p.done:
		return EndedError(p.spec, p.cmd.ProcessState.String())
	default:
		return nil
	}
}

// Done implements Process.
func (p *child) Done() <-chan struct{} { return p.done }

// Kill implements Process; the server may end by itself first.
func (p *child) Kill() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return nil
}
