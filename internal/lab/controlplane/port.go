package controlplane

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ReservePort takes a free loopback port for a server that shares ports, until
// it is released. The socket is bound but does not listen: nobody else can be
// given the port before the server has it, and no connection ends up here.
func ReservePort() (port int, release func(), err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("reserve a port: %w", err)
	}
	unix.CloseOnExec(fd)
	release = func() { _ = unix.Close(fd) }
	name, err := bindShared(fd)
	if err != nil {
		release()
		return 0, nil, fmt.Errorf("reserve a port: %w", err)
	}
	return name.(*unix.SockaddrInet4).Port, release, nil
}

func bindShared(fd int) (unix.Sockaddr, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	return unix.Getsockname(fd)
}
