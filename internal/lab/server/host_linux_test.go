package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const orphanVariable = "PAVE_TEST_ORPHAN"

// TestMain lets this program be the one that dies with a server running.
func TestMain(m *testing.M) {
	log := os.Getenv(orphanVariable)
	if log == "" {
		os.Exit(m.Run())
	}
	p, err := Host{}.Run(context.Background(), sleep(log))
	if err != nil {
		panic(err)
	}
	fmt.Println(p.(*child).cmd.Process.Pid)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func sleep(log string) Spec {
	return Spec{Name: "sleep", Path: "/bin/sleep", Args: []string{"600"}, Log: log}
}

func TestAServerDiesWithItsProgram(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), orphanVariable+"="+filepath.Join(t.TempDir(), "log"))
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("the program did not die")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
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

func TestAKilledServerIsGoneAndSaysSo(t *testing.T) {
	p, err := Host{}.Run(t.Context(), sleep(filepath.Join(t.TempDir(), "log")))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ended(); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Ended(); err == nil || !strings.Contains(err.Error(), "sleep ended") {
		t.Errorf("got %v", err)
	}
}

func TestWhatAServerSaidLastIsInTheError(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := Host{}.Run(t.Context(), Spec{Name: "ls", Path: "/bin/ls", Args: []string{"/no/such/folder"}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := p.Ended(); err == nil || !strings.Contains(err.Error(), "/no/such/folder") {
		t.Errorf("got %v", err)
	}
}
