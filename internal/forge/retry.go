package forge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

const (
	attempts    = 5 // of one request
	firstPause  = 100 * time.Millisecond
	longestWait = 90 * time.Second // that a forge may ask for
)

// refusal is an answer with another status than 2xx.
type refusal struct {
	status  int
	header  http.Header
	message string // the forge's words, one line
}

// Error is for those who wrap it; explain finds better words.
func (r *refusal) Error() string {
	if r.message == "" {
		return strconv.Itoa(r.status) + " " + http.StatusText(r.status)
	}
	return strconv.Itoa(r.status) + ": " + r.message
}

// limited tells whether the forge was asked too often.
func (r *refusal) limited() bool {
	return r.status == http.StatusTooManyRequests ||
		r.status == http.StatusForbidden && (r.header.Get("Retry-After") != "" || r.header.Get("X-Ratelimit-Remaining") == "0")
}

// after is how long the forge wants to be left alone; 0: it does not say.
func (r *refusal) after() time.Duration {
	if raw := r.header.Get("Retry-After"); raw != "" {
		if seconds, err := strconv.Atoi(raw); err == nil && seconds >= 0 {
			return time.Duration(seconds) * time.Second
		}
		if at, err := http.ParseTime(raw); err == nil {
			return max(0, time.Until(at))
		}
	}
	if reset, err := strconv.ParseInt(r.header.Get("X-Ratelimit-Reset"), 10, 64); err == nil && r.limited() {
		return max(0, time.Until(time.Unix(reset, 0)))
	}
	return 0
}

// retry tells whether a request is made again, and how long the forge asked to
// wait. A POST whose answer is lost may have been obeyed: it is the caller's to
// look first.
func (r *rest) retry(method string, attempt int, err error) (time.Duration, bool) {
	if attempt >= attempts || errors.As(err, new(*garbled)) || errors.As(err, new(*fault.Error)) {
		return 0, false
	}
	var no *refusal
	switch answered := errors.As(err, &no); {
	case answered && no.limited():
		return no.after(), no.after() <= longestWait
	case method == http.MethodPost:
		return 0, false
	case answered:
		return no.after(), no.status >= 500 && no.after() <= longestWait
	}
	return 0, explainConnection(r.name, err) == nil // certificates and names do not mend themselves
}

// lost tells whether a request that failed with err may have been obeyed.
func lost(err error) bool {
	if err == nil {
		return false
	}
	var no *refusal
	if errors.As(err, &no) {
		return no.status >= 500
	}
	return !errors.As(err, new(*garbled))
}

type backoff struct{ last time.Duration }

// pause waits as long as the forge asked, or longer each time, and says so if a
// person would notice.
func (b *backoff) pause(ctx context.Context, log *slog.Logger, repository string, asked time.Duration, because error) error {
	b.last = max(3*b.last, firstPause)
	length := max(asked, b.last)
	if length > 2*time.Second {
		log.Info("waiting", "for", repository, "seconds", int(length.Seconds()), "because", because)
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
