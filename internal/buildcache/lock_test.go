package buildcache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestALockIsHeldByOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "lock")
	unlock, err := Lock(t.Context(), path, func() { t.Error("the first one waits") })
	if err != nil {
		t.Fatal(err)
	}
	waits, second := make(chan struct{}), make(chan error, 1)
	go func() {
		release, err := Lock(t.Context(), path, func() { close(waits) })
		if err == nil {
			release()
		}
		second <- err
	}()
	<-waits
	select {
	case err := <-second:
		t.Fatalf("the second one has it too: %v", err)
	default:
	}
	unlock()
	if err := <-second; err != nil {
		t.Error(err)
	}
}

func TestALockOnARemovedFileIsNotHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	waits, second := make(chan struct{}), make(chan error, 1)
	var release func()
	go func() {
		var err error
		release, err = Lock(t.Context(), path, func() { close(waits) })
		second <- err
	}()
	<-waits
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-second; err != nil {
		t.Fatal(err)
	}
	defer release()
	if f, err := tryLock(path); f != nil || err != nil {
		t.Errorf("the lock that the second one holds is free: %v", err)
	}
}

func TestWaitingForALockEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Lock(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
