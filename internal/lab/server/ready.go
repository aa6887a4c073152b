package server

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Dialer connects to an address as the servers see it.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// readyTimeout is far more than any of them takes on a busy machine.
const readyTimeout = 2 * time.Minute

// StartReady starts a server and waits until it is ready.
func StartReady(ctx context.Context, runner Runner, dial Dialer, s Spec) error {
	p, err := runner.Run(ctx, s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	for {
		last := s.ask(ctx, dial, client)
		if last == nil {
			return nil
		}
		select {
		case <-p.Done():
			return p.Ended()
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w (%w)\n%s", s.Name, ctx.Err(), last, Tail(s.Log))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s Spec) ask(ctx context.Context, dial Dialer, client *http.Client) error {
	if s.URL == "" && s.Address == "" {
		return nil
	}
	if s.URL == "" {
		conn, err := dial(ctx, "tcp", s.Address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return fmt.Errorf("%s: %s (%w)", answer.Status, body, err)
	}
	return nil
}
