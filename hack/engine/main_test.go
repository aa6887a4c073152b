package main

import (
	"io"
	"os"
	"testing"

	"github.com/pave-platform/pave/internal/buildcache"
)

// TestMain lets the test binary be what `up` runs again in namespaces.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == bootCommand || os.Args[1] == sweepCommand) {
		os.Exit(run())
	}
	os.Exit(m.Run())
}

func testCache(t *testing.T) *buildcache.Cache {
	t.Helper()
	return &buildcache.Cache{Dir: t.TempDir(), Progress: buildcache.Progress{W: io.Discard}}
}
