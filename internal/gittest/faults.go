package gittest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Fault is something that goes wrong with one push.
type Fault int

// What can go wrong.
const (
	None      Fault = iota
	CutBefore       // the connection breaks before the server has taken the push
	CutAfter        // the server takes the push, and the connection breaks before it says so
	CutLate         // the connection breaks, and the server takes the push only when the next one arrives
	Busy            // the server answers 503
	Forbidden       // the server answers 403
)

// Faults are the faults of the next pushes, in order.
type Faults struct {
	mu     sync.Mutex
	next   []Fault
	before func()
	after  func()
	late   func()
	pushes int
}

// Fail orders faults for the next pushes, one each.
func (f *Faults) Fail(next ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, next...)
}

// BeforePush runs do when the next push has arrived and before Git gets it.
func (f *Faults) BeforePush(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = do
}

// AfterPush runs do when Git has taken the next push and the client does not
// know yet.
func (f *Faults) AfterPush(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.after = do
}

// Pushes counts the pushes that arrived.
func (f *Faults) Pushes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pushes
}

func (f *Faults) take() (fault Fault, before, after func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pushes++
	before, after = f.before, f.after
	f.before, f.after = nil, nil
	if len(f.next) > 0 {
		fault, f.next = f.next[0], f.next[1:]
	}
	return fault, before, after
}

func (f *Faults) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
			next.ServeHTTP(w, r)
			return
		}
		fault, before, after := f.take()
		run(f.overdue())
		run(before)
		defer run(after)
		switch fault {
		case CutBefore:
			panic(http.ErrAbortHandler)
		case CutAfter:
			next.ServeHTTP(discard{http.Header{}}, r)
			panic(http.ErrAbortHandler)
		case CutLate:
			f.postpone(next, r)
			panic(http.ErrAbortHandler)
		case Busy:
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case Forbidden:
			http.Error(w, "read only", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// postpone keeps a push for the time when the next one arrives.
func (f *Faults) postpone(next http.Handler, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r = r.Clone(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = func() { next.ServeHTTP(discard{http.Header{}}, r) }
}

// overdue is the postponed push, if there is one.
func (f *Faults) overdue() func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	late := f.late
	f.late = nil
	return late
}

func run(do func()) {
	if do != nil {
		do()
	}
}

// discard is a response that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
