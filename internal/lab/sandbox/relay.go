package sandbox

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

const dialTimeout = 10 * time.Second

// relay connects each connection that l accepts with one that dial makes,
// until the sandbox is closed.
func (s *Sandbox) relay(l net.Listener, dial func(context.Context) (net.Conn, error)) error {
	if err := s.own(l); err != nil {
		return err
	}
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			go connect(from, dial)
		}
	}()
	return nil
}

func connect(from net.Conn, dial func(context.Context) (net.Conn, error)) {
	defer from.Close()
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	to, err := dial(ctx)
	if err != nil {
		if tcp, ok := from.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // the other side learns that nobody is there
		}
		return
	}
	defer to.Close()
	var both sync.WaitGroup
	both.Go(func() { pipe(from, to) })
	both.Go(func() { pipe(to, from) })
	both.Wait()
}

// pipe passes on what from says, its end too; after a failure it breaks both
// connections, so that the other direction does not wait for ever.
func pipe(from, to net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		from.Close()
		to.Close()
		return
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}
