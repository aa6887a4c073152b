package main

import (
	"io"
	"os"
	"testing"
)

// TestMain lets the test binary be what `up` runs again in namespaces.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == bootCommand || os.Args[1] == sweepCommand) {
		os.Exit(run())
	}
	os.Exit(m.Run())
}

func testCache(t *testing.T) *cache {
	t.Helper()
	return &cache{dir: t.TempDir(), progress: progress{io.Discard}}
}
