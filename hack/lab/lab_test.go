package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

const commandVariable = "PAVE_TEST_LAB_COMMAND"

// TestMain lets this program be the command.
func TestMain(m *testing.M) {
	if os.Getenv(commandVariable) != "" {
		os.Exit(run())
	}
	os.Exit(m.Run())
}

// command runs the command, with a name for its lab that nobody else has.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append(args, "--name="+strings.ToLower(t.Name()))...)
	cmd.Env = append(os.Environ(), commandVariable+"=1")
	return cmd
}

// up starts a lab, and gives what it says and the running command.
func up(t *testing.T, args ...string) (record, *exec.Cmd) {
	t.Helper()
	cmd := command(t, append([]string{"up", "--json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var r record
	must(t, json.NewDecoder(out).Decode(&r))
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return r, cmd
}

func awaitGone(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", dir)
		}
	}
	processes, err := os.ReadDir("/proc")
	must(t, err)
	for _, p := range processes {
		if line, err := os.ReadFile("/proc/" + p.Name() + "/cmdline"); err == nil && bytes.Contains(line, []byte(dir)) {
			t.Errorf("it left %s", bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
		}
	}
}

func TestTheCommandTellsWhereEverythingIsAndEndsWhenAsked(t *testing.T) {
	r, running := up(t, "--with=registry", "--repository=gitops")
	if r.Registry == "" || r.Git == "" {
		t.Errorf("it says %+v", r)
	}
	out, err := command(t, "status").Output()
	must(t, err)
	if !strings.Contains(string(out), r.Registry) {
		t.Errorf("status says %s", out)
	}
	out, err = command(t, "env").Output()
	must(t, err)
	if !strings.Contains(string(out), "export KUBECONFIG='"+r.Kubeconfig+"'") {
		t.Errorf("env says %s", out)
	}
	out, err = command(t, "logs").Output()
	must(t, err)
	if !strings.Contains(string(out), "kube-apiserver\n") {
		t.Errorf("logs has %s", out)
	}
	out, err = command(t, "logs", "kube-scheduler").Output()
	must(t, err)
	if len(out) == 0 {
		t.Error("the scheduler has said nothing")
	}
	if err := command(t, "logs", "nobody").Run(); code(err) != int(fault.Input) {
		t.Errorf("logs of a server that is not there: %v", err)
	}
	if err := command(t, "up").Run(); code(err) != int(fault.Failed) {
		t.Errorf("a second one of the same name: %v", err)
	}
	must(t, command(t, "down").Run())
	awaitGone(t, r.Dir)
	must(t, running.Wait())
	if err := command(t, "status").Run(); code(err) != int(fault.Failed) {
		t.Errorf("status afterwards: %v", err)
	}
	must(t, command(t, "down").Run()) // there is nothing to do
}

func TestNothingIsLeftOfAKilledCommandWithPods(t *testing.T) {
	r, running := up(t, "--with=kubelet")
	must(t, running.Process.Kill())
	_ = running.Wait()
	awaitGone(t, r.Dir)
	mounts, err := os.ReadFile("/proc/self/mounts")
	must(t, err)
	if strings.Contains(string(mounts), r.Dir) {
		t.Error("it left a mount")
	}
}

func TestCtrlCEndsTheCommandWithSuccess(t *testing.T) {
	r, running := up(t)
	must(t, running.Process.Signal(syscall.SIGINT))
	must(t, running.Wait())
	awaitGone(t, r.Dir)
}

func TestBadFlagsAreInputErrors(t *testing.T) {
	for name, args := range map[string][]string{
		"an unknown part":         {"up", "--with=mainframe"},
		"two kinds of node":       {"up", "--with=kubelet,kwok"},
		"no address":              {"up", "--address=example.com"},
		"every address":           {"up", "--address=0.0.0.0"},
		"looking all the time":    {"up", "--refresh=1ms"},
		"an unknown command":      {"start"},
		"an unknown flag":         {"up", "--wiht=git"},
		"a repository's bad name": {"up", "--repository=../x"},
	} {
		root := rootCommand(io.Discard, io.Discard)
		root.SetArgs(args)
		if err := root.ExecuteContext(context.Background()); fault.KindOf(err) != fault.Input {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// code is the exit code of a command that has failed; 0 of one that has not.
func code(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}
