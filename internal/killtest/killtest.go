// Package killtest gives a test a process that it can kill: its own binary, which
// does an errand instead of the tests. It promises that a run counts as killed
// only if it was: one that fails by itself fails the test.
package killtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
)

// variable is the environment variable that an errand is in.
const variable = "PAVE_TEST_ERRAND"

// Main is the TestMain of a package whose tests kill a process that does errands.
func Main[Errand any](m *testing.M, do func(context.Context, Errand) error) {
	raw, ok := os.LookupEnv(variable)
	if !ok {
		os.Exit(m.Run())
	}
	var e Errand
	err := json.Unmarshal([]byte(raw), &e)
	if err == nil {
		err = do(context.Background(), e)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Command is the process that does an errand: it gets the errand as JSON, without
// what that cannot say, and ends with exit code 1 where it fails.
func Command(t testing.TB, errand any) *exec.Cmd {
	t.Helper()
	raw, err := json.Marshal(errand)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+string(raw))
	return cmd
}

// Killed tells whether a process that ended with err was killed.
func Killed(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

// Run does an errand in a process of its own, which arm is given what kills. It
// tells whether that happened before the errand was done.
func Run(t testing.TB, errand any, arm func(kill func())) (killed bool) {
	t.Helper()
	cmd := Command(t, errand)
	var starting sync.Mutex // the process may call before it is known here
	arm(func() {
		starting.Lock()
		defer starting.Unlock()
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
		}
	})
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	starting.Lock()
	err := cmd.Start()
	starting.Unlock()
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil && !Killed(err) {
		t.Fatalf("the process failed before it was killed: %v\n%s", err, out.String())
	}
	return err != nil
}

// Kill is Run of a process that must be killed.
func Kill(t testing.TB, errand any, arm func(kill func())) {
	t.Helper()
	if !Run(t, errand, arm) {
		t.Fatal("the process was not killed")
	}
}
