package kubernetes

import (
	"testing"

	"golang.org/x/sys/unix"
)

// reservePort takes a free loopback port for a server that shares ports. The
// socket is bound but does not listen: nobody else can be given the port before
// the server has it, and no connection ends up here.
func reservePort(t testing.TB) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	must(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	unix.CloseOnExec(fd)
	must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	must(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := unix.Getsockname(fd)
	must(t, err)
	return name.(*unix.SockaddrInet4).Port
}
