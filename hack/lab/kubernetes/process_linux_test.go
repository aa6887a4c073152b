package kubernetes

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const orphanVariable = "PAVE_TEST_ORPHAN"

// TestMain lets this program be the test that dies with a server running.
func TestMain(m *testing.M) {
	if os.Getenv(orphanVariable) == "" {
		os.Exit(m.Run())
	}
	fmt.Println(start(killed{}, "sleep", "/bin/sleep", "600").cmd.Process.Pid)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// killed is a test that never comes to clean up.
type killed struct{ testing.TB }

func (killed) Helper()                           {}
func (killed) Cleanup(func())                    {}
func (killed) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func TestAServerDiesWithItsTest(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), orphanVariable+"=1")
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("the test did not die")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	must(t, err)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs: %s", pid, stat)
		}
	}
}

func TestAServerEndsWithItsTest(t *testing.T) {
	var p *process
	t.Run("a test", func(t *testing.T) { p = start(t, "sleep", "/bin/sleep", "600") })
	if p.ended() == nil {
		t.Error("it still runs")
	}
}

func TestAReservedPortIsNobodyElses(t *testing.T) {
	a, b := reservePort(t), reservePort(t)
	if a == b || a == 0 {
		t.Errorf("got %d and %d", a, b)
	}
}
