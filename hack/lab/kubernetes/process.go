package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a server that does not outlive the test, however the test ends.
type process struct {
	name string
	cmd  *exec.Cmd
	log  tail
	done chan struct{} // closed when it has ended
	err  error         // why, after done
}

// start runs a server. The kernel kills it if this program dies. It does so
// when the thread that started the child ends, hence one that stays.
func start(t testing.TB, name, path string, args ...string) *process {
	t.Helper()
	// Not the test's context: that ends before what the test cleans up with the server.
	p := &process{name: name, cmd: exec.CommandContext(context.Background(), path, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.Env = []string{} // ETCD_… and proxies are this machine's, not the test's
	p.cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() { p.stop(t) })
	return p
}

func (p *process) stop(t testing.TB) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	if t.Failed() {
		t.Logf("%s said at the end:\n%s", p.name, p.log.String())
	}
}

// ended is an error once the process is gone.
func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %w\n%s", p.name, p.err, p.log.String())
	default:
		return nil
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailBytes = 3 << 10

func (l *tail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(b)
	l.buf.Next(max(0, l.buf.Len()-tailBytes))
	return len(b), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
