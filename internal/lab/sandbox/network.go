package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/pave-platform/pave/internal/fault"
)

// addresses are those that the sandbox's loopback interface has beside 127.0.0.1.
type addresses struct {
	mu   sync.Mutex
	have []netip.Addr

	reached map[netip.AddrPort]bool
}

// reach notes a server, and says whether it is new.
func (a *addresses) reach(where netip.AddrPort) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reached[where] {
		return false
	}
	if a.reached == nil {
		a.reached = map[netip.AddrPort]bool{}
	}
	a.reached[where] = true
	return true
}

// inside runs do in the sandbox's network: sockets that it makes there stay
// there. The thread on which it runs is not used for anything else.
func (s *Sandbox) inside(do func() error) error {
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Setns(int(s.network.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = do()
		}
		ended <- err
	}()
	return <-ended
}

// interfaceRequests runs some of netdevice(7)'s requests on the sandbox's network.
func interfaceRequests(do func(fd int) error) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return do(fd)
}

func (s *Sandbox) loopbackUp() error {
	return s.inside(func() error {
		return interfaceRequests(func(fd int) error {
			lo, err := unix.NewIfreq("lo")
			if err != nil {
				return err
			}
			lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
			return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
		})
	})
}

// AddAddress gives the sandbox an address of its own, at which what listens on
// every address answers too.
func (s *Sandbox) AddAddress(a netip.Addr) error {
	if !a.Is4() {
		return fmt.Errorf("address %s: the lab speaks IPv4", a)
	}
	if a.IsLoopback() { // all of 127.0.0.0/8 is there
		return nil
	}
	s.addresses.mu.Lock()
	defer s.addresses.mu.Unlock()
	for _, have := range s.addresses.have {
		if have == a {
			return nil
		}
	}
	name := fmt.Sprintf("lo:%d", len(s.addresses.have)+1)
	err := s.inside(func() error {
		return interfaceRequests(func(fd int) error { return setAddress(fd, name, a) })
	})
	if err != nil {
		return fmt.Errorf("address %s: %w", a, err)
	}
	s.addresses.have = append(s.addresses.have, a)
	return nil
}

func setAddress(fd int, name string, a netip.Addr) error {
	for _, r := range []struct {
		request uint
		address []byte
	}{{unix.SIOCSIFADDR, a.AsSlice()}, {unix.SIOCSIFNETMASK, net.CIDRMask(32, 32)}} {
		ifreq, err := unix.NewIfreq(name)
		if err == nil {
			err = ifreq.SetInet4Addr(r.address)
		}
		if err == nil {
			err = unix.IoctlIfreq(fd, r.request, ifreq)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Dial connects to an IP address and port as seen inside.
func (s *Sandbox) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, err // a name would be looked up on another thread, outside
	}
	var conn net.Conn
	err := s.inside(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// listenInside listens on an IP address and port inside.
func (s *Sandbox) listenInside(ctx context.Context, address string) (net.Listener, error) {
	var l net.Listener
	err := s.inside(func() (err error) {
		l, err = new(net.ListenConfig).Listen(ctx, "tcp4", address)
		return err
	})
	return l, err
}

// Publish hands each connection that l, a listener of this machine, accepts to
// the same address inside. It owns l from here on.
func (s *Sandbox) Publish(l net.Listener) error {
	address := l.Addr().String()
	return s.relay(l, func(ctx context.Context) (net.Conn, error) { return s.Dial(ctx, "tcp4", address) })
}

// Reach makes the server at an IP address and port of this machine answer at
// the same inside. What is reached already stays so.
func (s *Sandbox) Reach(ctx context.Context, address string) error {
	where, err := netip.ParseAddrPort(address)
	if err != nil {
		return fault.Inputf("%q is no IP address with a port", address).Fix("write it as in 127.0.0.1:5000")
	}
	if !s.addresses.reach(where) {
		return nil
	}
	if err := s.AddAddress(where.Addr()); err != nil {
		return err
	}
	l, err := s.listenInside(ctx, address)
	if err != nil {
		return err
	}
	return s.relay(l, func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp4", address) })
}

// own closes c with the sandbox.
func (s *Sandbox) own(c interface{ Close() error }) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.gone:
		return errors.Join(errGone, c.Close())
	default:
		s.closers = append(s.closers, c)
		return nil
	}
}
