package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// dockerThat puts a program of another name first in PATH as docker.
func dockerThat(t *testing.T, program string) {
	t.Helper()
	found, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(found, filepath.Join(dir, "docker")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestDockerAnswersOnlyWithADaemon(t *testing.T) {
	t.Run("a client whose daemon answers", func(t *testing.T) {
		dockerThat(t, "true")
		if !dockerAnswers(t.Context()) {
			t.Error("Docker is not seen")
		}
	})
	t.Run("a client without a daemon", func(t *testing.T) {
		dockerThat(t, "false")
		if dockerAnswers(t.Context()) {
			t.Error("a client is taken for a daemon")
		}
	})
	t.Run("no client", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if dockerAnswers(t.Context()) {
			t.Error("Docker is seen where it is not")
		}
	})
}

func TestDockersEngineIsTheDefaultOneOnly(t *testing.T) {
	dockerThat(t, "true")
	for name, want := range map[string]bool{DefaultName: true, "second": false} {
		if got := (instance{name: name}).mayBeDockers(t.Context()); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
