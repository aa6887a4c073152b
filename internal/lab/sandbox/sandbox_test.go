package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/lab/server"
)

const victimVariable = "PAVE_TEST_VICTIM"

// TestMain lets this program be the one that is killed with a sandbox running.
func TestMain(m *testing.M) {
	if os.Getenv(victimVariable) == "" {
		os.Exit(m.Run())
	}
	s, err := New(context.Background())
	if err == nil {
		_, err = s.Run(context.Background(), sleep(s))
	}
	if err == nil {
		err = makeGroups(s.Cgroup)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.Dir, s.outer.Process.Pid)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// makeGroups makes control groups as a node does, with one in each.
func makeGroups(name string) error {
	for _, g := range groups(name) {
		if err := os.MkdirAll(filepath.Join(g, "pods"), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// groups are the folders of a control group of that name.
func groups(name string) []string {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return []string{"/sys/fs/cgroup/" + name}
	}
	return []string{"/sys/fs/cgroup/memory/" + name, "/sys/fs/cgroup/pids/" + name}
}

func sleep(s *Sandbox) server.Spec {
	return server.Spec{Name: "sleep", Path: "/bin/sleep", Args: []string{"600"}, Log: filepath.Join(s.Dir, "sleep.log")}
}

func begin(t *testing.T) *Sandbox {
	t.Helper()
	s, err := New(t.Context())
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// awaitGone waits until the sandbox's folder, groups and keeper are no more.
func awaitGone(t *testing.T, dir string, keeper int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		left := leftovers(dir, keeper)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it left %v", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func leftovers(dir string, keeper int) (left []string) {
	for _, path := range append(groups(filepath.Base(dir)), dir) {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			left = append(left, path)
		}
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		if line, err := os.ReadFile(filepath.Join(p, "cmdline")); err == nil && strings.Contains(string(line), dir) {
			left = append(left, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), dir) {
		left = append(left, "a mount")
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", keeper)); err == nil && !strings.Contains(string(stat), ") Z ") {
		left = append(left, "the keeper")
	}
	return left
}

func TestNothingIsLeftWhenItIsClosed(t *testing.T) {
	s := begin(t)
	p, err := s.Run(t.Context(), sleep(s))
	must(t, err)
	must(t, makeGroups(s.Cgroup))
	must(t, s.Close())
	awaitGone(t, s.Dir, s.outer.Process.Pid)
	if p.Ended() == nil {
		t.Error("its server still runs")
	}
}

func TestNothingIsLeftWhenItsProgramIsKilled(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victimVariable+"=1")
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("the program was not killed")
	}
	dir, pid, ok := strings.Cut(strings.TrimSpace(string(out)), " ")
	if !ok {
		t.Fatalf("it said %q: %v", out, err)
	}
	keeper, err := strconv.Atoi(pid)
	must(t, err)
	awaitGone(t, dir, keeper)
}

func TestTheNextOneClearsUpBehindAKilledKeeper(t *testing.T) {
	s := begin(t)
	_, err := s.Run(t.Context(), sleep(s))
	must(t, err)
	must(t, makeGroups(s.Cgroup))
	must(t, s.outer.Process.Kill())
	<-s.gone // the kernel ended the inner one, and all that it had started
	if err := s.Close(); err == nil {
		t.Error("closing it does not say that its keeper was killed")
	}
	s.closeErr = nil // as expected
	lock, err := os.Open(filepath.Join(s.Dir, lockFile))
	must(t, err)
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)) // when the inner one has let go of it too
	lock.Close()
	begin(t)
	awaitGone(t, s.Dir, s.outer.Process.Pid)
}

func TestMountsAndSystemFoldersAreItsOwn(t *testing.T) {
	s := begin(t)
	p, err := s.Run(t.Context(), server.Spec{
		Name: "touch", Path: "/usr/bin/touch", Args: []string{"/etc/pave-lab-test", "/run/pave-lab-test", "/var/lib/pave-lab-test", "/tmp/pave-lab_test"}, Log: filepath.Join(s.Dir, "log"),
	})
	must(t, err)
	<-p.Done()
	if err := p.Ended(); !strings.Contains(err.Error(), "exit status 0") {
		t.Fatal(err)
	}
	for _, path := range p.(*process).spec.Args {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("it wrote to the machine: %s", path)
		}
	}
}

func TestAServerOfThisMachineIsReachedInsideAtTheSameAddress(t *testing.T) {
	s := begin(t)
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "from outside") }))
	t.Cleanup(here.Close)
	address := here.Listener.Addr().String()
	if _, err := s.Dial(t.Context(), "tcp", address); err == nil {
		t.Fatal("it is reached without being told")
	}
	must(t, s.Reach(t.Context(), address))
	if got := get(t, s.Dial, address); got != "from outside" {
		t.Errorf("got %q", got)
	}
	if err := s.Reach(t.Context(), address); err != nil {
		t.Errorf("told again: %v", err)
	}
}

func TestAServerInsideIsReachedOutsideAtTheSameAddress(t *testing.T) {
	s := begin(t)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	must(t, s.Publish(l))
	inside, err := s.listenInside(t.Context(), address)
	must(t, err)
	h := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "from inside") }),
		ReadHeaderTimeout: time.Second,
	}
	go func() { _ = h.Serve(inside) }()
	t.Cleanup(func() { _ = h.Close() })
	if got := get(t, new(net.Dialer).DialContext, address); got != "from inside" {
		t.Errorf("got %q", got)
	}
}

func TestAnAddressOfTheMachineIsItsOwnToo(t *testing.T) {
	s := begin(t)
	for _, a := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.1"} { // TEST-NET-1: no machine has it
		must(t, s.AddAddress(netip.MustParseAddr(a)))
	}
	l, err := s.listenInside(t.Context(), "192.0.2.2:0")
	must(t, err)
	defer l.Close()
	conn, err := s.Dial(t.Context(), "tcp", l.Addr().String())
	must(t, err)
	conn.Close()
}

func TestTwoAtOnceDoNotMeet(t *testing.T) {
	a, b := begin(t), begin(t)
	const address = "127.0.0.1:6379"
	l, err := a.listenInside(t.Context(), address)
	must(t, err)
	defer l.Close()
	if _, err := b.Dial(t.Context(), "tcp", address); err == nil {
		t.Error("one reaches the other's server")
	}
	again, err := b.listenInside(t.Context(), address)
	must(t, err)
	again.Close()
	if a.Dir == b.Dir || a.Cgroup == b.Cgroup {
		t.Error("they share a folder or a control group")
	}
}

func TestAServerThatCannotBeStartedIsAnError(t *testing.T) {
	s := begin(t)
	_, err := s.Run(t.Context(), server.Spec{Name: "nothing", Path: "/no/such/program", Log: filepath.Join(s.Dir, "log")})
	if err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("got %v", err)
	}
}

func TestAKilledServerSaysHowItEnded(t *testing.T) {
	s := begin(t)
	p, err := s.Run(t.Context(), sleep(s))
	must(t, err)
	must(t, p.Kill())
	if err := p.Ended(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("got %v", err)
	}
}

func get(t *testing.T, dial server.Dialer, address string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	return string(body)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
