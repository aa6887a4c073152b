package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStatusSaysWhyNothingAnswers(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no Docker
	s, err := statusOf(t.Context(), testCache(t), instance{name: "nobody", run: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var human, document bytes.Buffer
	if err := s.write(&human, false); err != nil {
		t.Fatal(err)
	}
	if got, want := human.String(), "engine nobody does not answer: it does not run\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := s.write(&document, true); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(document.Bytes(), &got); err != nil || got["answers"] != false {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestStatusRefusesABrokenRecord(t *testing.T) {
	i := instance{name: "broken", run: t.TempDir()}
	if err := os.WriteFile(i.record(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := statusOf(t.Context(), testCache(t), i); err == nil || !strings.Contains(err.Error(), i.record()) {
		t.Errorf("got %v", err)
	}
}

func TestDiskUsageCountsAHardLinkOnce(t *testing.T) {
	dir := t.TempDir()
	before, err := diskUsage(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(file, filepath.Join(dir, "again")); err != nil {
		t.Fatal(err)
	}
	after, err := diskUsage(dir)
	if err != nil {
		t.Fatal(err)
	}
	if grown := after - before; grown < 1<<20 || grown >= 2<<20 {
		t.Errorf("1 MiB under two names counts as %d bytes", grown)
	}
}
