// Package sandbox is the place in which a lab's servers run: processes, mounts
// and a network of their own on this machine, with a relay between the two
// networks.
//
// It promises that an address means the same server on both sides, and that
// nothing is left of it once Close was called or this program has died.
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/lab/server"
)

var keeper = program.Program{Name: "keeper", Module: "keeper", Package: "github.com/pave-platform/pave/hack/lab/keeper"}

const (
	prefix   = "pave-lab-" // of folders, and so of control groups
	lockFile = "lock"
)

// Sandbox is running.
type Sandbox struct {
	Dir    string // for the lab's files; short, for the sake of sockets' paths
	Cgroup string // the name of the control group below which a node puts its pods

	outer     *exec.Cmd
	lifeLine  *os.File
	network   *os.File // of the inner keeper
	addresses addresses

	mu       sync.Mutex
	requests *json.Encoder
	lastID   int
	waiting  map[int]chan answer
	running  map[int]*process
	gone     chan struct{} // closed when the inner keeper is

	closers   []io.Closer // of the relay
	closeOnce sync.Once
	closeErr  error
}

// New makes a sandbox, after clearing up behind those whose keepers were
// killed too.
func New(ctx context.Context) (*Sandbox, error) {
	if os.Geteuid() != 0 {
		return nil, fault.Failedf("a lab needs root, for namespaces").Fix("run it as root")
	}
	path, err := keeper.Path(ctx)
	if err != nil {
		return nil, err
	}
	sweep(ctx, path)
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // containers run as others
		return nil, err
	}
	s := &Sandbox{
		Dir: dir, Cgroup: filepath.Base(dir), waiting: map[int]chan answer{}, running: map[int]*process{}, gone: make(chan struct{}),
	}
	if err := s.start(path); err != nil {
		return nil, errors.Join(fmt.Errorf("start the lab's keeper: %w", err), s.Close())
	}
	return s, nil
}

// start starts the keepers, and waits until the inner one is ready.
func (s *Sandbox) start(path string) error {
	lock, err := s.lock()
	if err != nil {
		return err
	}
	defer lock.Close() // the keepers go on holding it
	theirs, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirs.Close()
	s.lifeLine = ours
	// Not with a context: the life line ends it.
	s.outer = exec.CommandContext(context.Background(), path, "-dir", s.Dir, "-cgroup", s.Cgroup)
	s.outer.ExtraFiles = []*os.File{theirs, lock}
	s.outer.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var said strings.Builder
	s.outer.Stderr = &said
	in, err := s.outer.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.outer.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.outer.Start(); err != nil {
		s.outer = nil
		return err
	}
	s.requests = json.NewEncoder(in)
	answers := json.NewDecoder(out)
	if err := answers.Decode(new(answer)); err != nil {
		_ = s.Close()
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	go s.listen(answers)
	if s.network, err = innerNetwork(s.outer.Process.Pid); err != nil {
		return err
	}
	return s.loopbackUp()
}

// lock makes the lock on the folder. It has its name only once it is held:
// others clear up what has a lock that nobody holds.
func (s *Sandbox) lock() (*os.File, error) {
	final := filepath.Join(s.Dir, lockFile)
	lock, err := os.OpenFile(final+".new", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX), os.Rename(lock.Name(), final)); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// innerNetwork opens the network namespace of the outer keeper's one child.
func innerNetwork(outer int) (*os.File, error) {
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", outer))
	if err != nil {
		return nil, err
	}
	for _, c := range children {
		data, err := os.ReadFile(c)
		if err != nil {
			continue // the thread has ended
		}
		if pid := strings.TrimSpace(string(data)); pid != "" {
			return os.Open("/proc/" + pid + "/ns/net")
		}
	}
	return nil, errors.New("it has no child")
}

// Close ends all processes in the sandbox and removes what they left. It may
// be called again.
func (s *Sandbox) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.end() })
	return s.closeErr
}

func (s *Sandbox) end() error {
	s.mu.Lock()
	closers := s.closers
	s.closers = nil
	s.mu.Unlock()
	for _, c := range closers {
		_ = c.Close()
	}
	if s.network != nil {
		s.network.Close()
	}
	if s.lifeLine != nil {
		s.lifeLine.Close()
	}
	if s.outer == nil {
		return os.RemoveAll(s.Dir)
	}
	if err := s.outer.Wait(); err != nil {
		return fmt.Errorf("the lab's keeper: %w: %s", err, s.outer.Stderr)
	}
	return nil
}

// Dirs gives the folders of the sandboxes on this machine.
func Dirs() ([]string, error) { return filepath.Glob(filepath.Join(os.TempDir(), prefix+"*")) }

// sweep clears up behind labs whose keepers did not come to it: the machine's
// power failed, or somebody killed them.
func sweep(ctx context.Context, keeperPath string) {
	dirs, _ := Dirs() // the pattern is right
	for _, dir := range dirs {
		lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR, 0)
		if err != nil {
			continue // it is being made
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			cmd := exec.CommandContext(ctx, keeperPath, "-dir", dir, "-cgroup", filepath.Base(dir), "sweep")
			if out, err := cmd.CombinedOutput(); err != nil {
				buildcache.Progress{Name: "lab", W: os.Stderr}.Sayf("an old lab is still in %s: %v: %s", dir, err, out)
			}
		}
		lock.Close()
	}
}

var _ server.Runner = (*Sandbox)(nil)
