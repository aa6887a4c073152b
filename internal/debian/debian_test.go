package debian

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestServicesAreForbiddenUntilItIsUndone(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy-rc.d")
	undo, err := forbidServices(policy)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), policy, "redis-server", "start")
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 101 {
		t.Errorf("got %v, want exit code 101, which forbids it", err)
	}
	undo()
	if _, err := os.Stat(policy); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestAPolicyOfTheMachineIsKept(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy-rc.d")
	if err := os.WriteFile(policy, []byte("the machine's"), 0o755); err != nil {
		t.Fatal(err)
	}
	undo, err := forbidServices(policy)
	if err != nil {
		t.Fatal(err)
	}
	undo()
	if content, err := os.ReadFile(policy); err != nil || string(content) != "the machine's" {
		t.Errorf("got %q, %v", content, err)
	}
}

func TestAProgramIsInstalledOrNot(t *testing.T) {
	if !Installed("ls", "/bin/ls") || Installed("ls", "no-such-program") {
		t.Error("it does not tell them apart")
	}
}
