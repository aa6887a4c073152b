package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/subprocess"
)

// TestLifecycle takes an engine of its own through everything: start, a
// container from the builder image, a crash, a start after it, an end. It needs
// the parts that `up` makes and has no use for an engine that runs already.
func TestLifecycle(t *testing.T) {
	if dockerAnswers(t.Context()) {
		t.Log("Docker answers: the engine is Dagger's own, there is none of ours to test")
		return
	}
	c, err := buildcache.New("engine", buildcache.Progress{Name: "engine", W: testLog{t}})
	if err != nil {
		t.Fatal(err)
	}
	i, err := newInstance(fmt.Sprintf("test-%d", os.Getpid()), DefaultStateDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := down(context.WithoutCancel(t.Context()), c.Progress, i, true); err != nil {
			t.Error(err)
		}
	})
	first := upFromCache(t, c, i)
	if got := runInContainer(t, first, i, "go", "version"); !strings.Contains(got, "go"+GoVersion) {
		t.Errorf("the builder image has %q", got)
	}
	if rules := firewall(t, first); !strings.Contains(rules, first.Network.Name) {
		t.Fatalf("the packet filter does not know %s, so its absence would prove nothing:\n%s", first.Network.Name, rules)
	}

	if err := first.Process.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := first.Process.waitGone(t.Context(), stopTimeout); err != nil {
		t.Fatal(err)
	}
	second := upFromCache(t, c, i)
	if got := runInContainer(t, second, i, "go", "env", "GOROOT"); !strings.Contains(got, "/usr/local/go") {
		t.Errorf("after a crash: got %q", got)
	}

	if err := down(t.Context(), c.Progress, i, true); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*record{first, second} {
		assertNothingLeft(t, i, r)
	}
}

// upFromCache starts the engine; it must not have to build anything.
func upFromCache(t *testing.T, c *buildcache.Cache, i instance) *record {
	t.Helper()
	var said bytes.Buffer
	quiet := &buildcache.Cache{Dir: c.Dir, Progress: buildcache.Progress{Name: "engine", W: io.MultiWriter(&said, testLog{t})}}
	p, err := makeParts(t.Context(), quiet, "")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(said.String(), "building") || strings.Contains(said.String(), "making") {
		t.Fatal("the engine's parts were not made before: use `go run ./hack/engine up`")
	}
	if err := start(t.Context(), c.Progress, upOptions{instance: i}, p); err != nil {
		t.Fatal(err)
	}
	r, err := i.running()
	if err != nil || r == nil {
		t.Fatalf("no record of a running engine: %v", err)
	}
	return r
}

func runInContainer(t *testing.T, r *record, i instance, args ...string) string {
	t.Helper()
	cmd := subprocess.Command(t.Context(), cliPath(r.Parts.CLI), "--silent", "core", "container",
		"from", "--address", strings.TrimPrefix(BuilderImage, "library/"),
		"with-exec", "--args", strings.Join(args, ","), "stdout")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), clientEnv(i.address())...)
	got, err := subprocess.Output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// firewall gives the host's packet filter, as the engine's own tools see it.
func firewall(t *testing.T, r *record) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/sbin/iptables-save")
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: r.Parts.Root}
	cmd.Dir = "/"
	rules, err := subprocess.Output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func assertNothingLeft(t *testing.T, i instance, r *record) {
	t.Helper()
	if r.Process.alive() {
		t.Errorf("process %d runs", r.Process.PID)
	}
	if _, err := net.InterfaceByName(r.Network.bridge()); err == nil {
		t.Errorf("the bridge %s is there", r.Network.bridge())
	}
	if strings.Contains(firewall(t, r), r.Network.Name) {
		t.Errorf("the packet filter still has rules of %s", r.Network.Name)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{i.run, i.state, i.lock()} {
		if strings.Contains(string(mounts), folder+"/") || strings.Contains(string(mounts), folder+" ") {
			t.Errorf("something is mounted at %s", folder)
		}
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Errorf("%s is there: %v", folder, err)
		}
	}
	if held, err := reserve(r.Network.Name); err != nil || held == nil {
		t.Errorf("the network's name is still held: %v", err)
	} else {
		held.Close()
	}
}

// testLog writes to the test's log.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
