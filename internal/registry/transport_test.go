package registry

import (
	"context"
	"net"
	"strings"
	"testing"
)

func TestALoopbackNameThatLeadsElsewhereIsRefused(t *testing.T) {
	ours, theirs := net.Pipe() // its address is not loopback's
	defer theirs.Close()
	dial := loopbackOnly(func(context.Context, string, string) (net.Conn, error) { return ours, nil })
	if _, err := dial(t.Context(), "tcp", "registry.localhost:5000"); err == nil || !strings.Contains(err.Error(), "does not speak https") {
		t.Errorf("got %v", err)
	}
	if _, err := ours.Write([]byte("x")); err == nil {
		t.Error("the connection stays open")
	}
}
