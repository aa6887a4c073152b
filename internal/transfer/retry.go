package transfer

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pave-platform/pave/internal/fault"
)

// How often and how long. Waiting doubles from firstDelay.
const (
	attempts  = 6
	longest   = 5 * time.Minute // that a registry may make us wait in one go
	corrupted = 3               // how often a blob may come with other content
)

var firstDelay = 250 * time.Millisecond

// now and pause are the clock; tests replace them.
var now = time.Now

// pause waits.
var pause = func(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func delay(attempt int) time.Duration { return firstDelay << min(attempt, 8) }

// gate holds back requests to a registry that asked for it.
type gate struct {
	mu    sync.Mutex
	until time.Time
}

func (g *gate) close(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := now().Add(min(d, longest)); t.After(g.until) {
		g.until = t
	}
}

func (g *gate) closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until.After(now())
}

func (g *gate) wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		left := g.until.Sub(now())
		g.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		if err := pause(ctx, left); err != nil {
			return err
		}
	}
}

// again says whether a request shall be sent once more, after waiting as long as
// that takes. Either resp or err is nil.
func (h *host) again(ctx context.Context, attempt int, resp *http.Response, err error) bool {
	if ctx.Err() != nil || attempt+1 >= attempts {
		return false
	}
	wait := delay(attempt)
	switch {
	case resp != nil && !temporary(resp.StatusCode), err != nil && !passing(err) && !h.restarts(err):
		return false
	case h.gate.closed():
		return h.gate.wait(ctx) == nil
	}
	return pause(ctx, wait) == nil
}

// restarts says whether a registry refuses connections that it took before.
func (h *host) restarts(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) && h.greeted.Load()
}

func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// passing says whether err may be gone the next time: a connection that was cut,
// not one that is refused or whose certificate does not hold.
func passing(err error) bool {
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		return temporary(answer.StatusCode)
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return false
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, syscall.ECONNREFUSED):
		return false
	}
	return !certificate(err) && !unresolved(err)
}

// retryAfter reads the header in both its forms; 0 where it says nothing.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now()))
	}
	return 0
}
