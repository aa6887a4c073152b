//go:build linux

package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// network is a network namespace with nothing but loopback in it.
type network struct {
	name string
	file *os.File // keeps it alive
}

// newNetwork makes a network in which the addresses are this machine's.
func newNetwork(name string, addresses ...netip.Addr) (*network, error) {
	n := &network{name: name}
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		ended <- n.unshare(addresses)
	}()
	if err := <-ended; err != nil {
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	return n, nil
}

func (n *network) unshare(addresses []netip.Addr) error {
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err != nil {
		return err
	}
	if n.file, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return err
	}
	for i, a := range addresses {
		if err := setAddress(fd, fmt.Sprintf("lo:%d", i+1), a); err != nil {
			return err
		}
	}
	return nil
}

func setAddress(fd int, alias string, a netip.Addr) error {
	for _, r := range []struct {
		request uint
		address []byte
	}{{unix.SIOCSIFADDR, a.AsSlice()}, {unix.SIOCSIFNETMASK, net.CIDRMask(32, 32)}} {
		request, err := unix.NewIfreq(alias)
		if err == nil {
			err = request.SetInet4Addr(r.address)
		}
		if err == nil {
			err = unix.IoctlIfreq(fd, r.request, request)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inside runs do on a thread that is in the network, and what it starts is, too.
// The thread lives until do returns: a child that is to die with its parent dies
// with the thread that started it.
func (n *network) inside(do func() error) <-chan error {
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = do()
		}
		ended <- err
	}()
	return ended
}

func (n *network) close() { _ = n.file.Close() }
