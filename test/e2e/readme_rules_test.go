package e2e

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell is who reads the lines of a README.
const shell = "bash"

// finish runs a command that ends by itself, and ends well.
func (r *reader) finish(t *testing.T, dir, command string) {
	t.Helper()
	finish(t, dir, shell, "-euc", command).succeed(t)
}

// install runs a command that makes a module depend on another, for a module that depends
// on none. It is where Dagger lets it name its neighbours by path.
func (r *reader) install(t *testing.T, _, command string) {
	t.Helper()
	module := filepath.Join(platform.repository, "out", "module")
	settings := filepath.Join(module, "dagger.json")
	must(t, os.MkdirAll(module, 0o755))
	must(t, os.WriteFile(settings, []byte(`{"name": "team", "engineVersion": "v0.19.10"}`), 0o600))
	r.finish(t, module, command)
	written, err := os.ReadFile(settings)
	must(t, err)
	if !strings.Contains(string(written), "dependencies") {
		t.Errorf("%s left no dependency in dagger.json:\n%s", command, written)
	}
}

// publish runs a command that prints the reference of an image, which later commands
// call $REF.
func (r *reader) publish(t *testing.T, dir, command string) {
	t.Helper()
	var published struct{ Ref string }
	must(t, json.Unmarshal([]byte(finish(t, dir, shell, "-euc", command).succeed(t).stdout), &published))
	must(t, os.Setenv("REF", published.Ref))
}

// target checks that a target is there; the tests of all of them together are this one.
func (r *reader) target(t *testing.T, _, command string) {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join(platform.repository, "Makefile"))
	must(t, err)
	name := strings.Fields(command)[1]
	if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `:`).Match(makefile) {
		t.Errorf("the Makefile has no target %s", name)
	}
}

// serve runs a command that serves until it is interrupted, and waits until it does.
func (r *reader) serve(t *testing.T, dir, line string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	must(t, err)
	defer log.Close()
	// exec: the interrupt is for the command, as the terminal sends it to all of them.
	server := command(ctx, dir, shell, "-euc", line)
	server.SysProcAttr.Setpgid = true
	server.Env = append(os.Environ(), "PORT="+r.port)
	server.Stdout, server.Stderr = log, log
	must(t, start(server))
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	for answers(ctx, r.port) != nil {
		select {
		case err := <-ended:
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("%s ended: %v\n%s", line, err, said)
		case <-time.After(100 * time.Millisecond):
		}
	}
	must(t, syscall.Kill(-server.Process.Pid, syscall.SIGINT))
	<-ended
}

// answers tells whether something listens on a port of this host.
func answers(ctx context.Context, port string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("localhost", port))
	if err != nil {
		return err
	}
	return conn.Close()
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	must(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	must(t, err)
	return port
}
