package forgetest

import (
	"net/http"
	"strings"
	"sync"
)

// Fault is something that goes wrong with one request.
type Fault int

// What can go wrong.
const (
	None      Fault = iota
	TooMany         // 429, with Retry-After: 0
	TooLong         // 429, with Retry-After: 3600
	Broken          // 500
	Busy            // 503
	CutBefore       // the connection breaks, and nothing was done
	CutAfter        // the request is obeyed, and the connection breaks before it is answered
	Missing         // 404
	Garbage         // 200, with something else than JSON
	Hang            // nothing is answered until the client goes away
)

// Faults are the faults of the next requests, and what is done meanwhile.
type Faults struct {
	mu       sync.Mutex
	next     []order
	before   map[int]func()
	after    map[int]func()
	requests []string
	hung     []chan struct{}
}

type order struct {
	match string
	fault Fault
}

// Fail orders faults, one each, for the next requests of which "METHOD path?query"
// holds match.
func (f *Faults) Fail(match string, faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range faults {
		f.next = append(f.next, order{match, fault})
	}
}

// Before runs do when the n-th request from now on has arrived, from 1, and before
// it is obeyed.
func (f *Faults) Before(n int, do func()) { f.at(&f.before, n, do) }

// After runs do when the n-th request from now on was obeyed, and before it is
// answered.
func (f *Faults) After(n int, do func()) { f.at(&f.after, n, do) }

func (f *Faults) at(where *map[int]func(), n int, do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if *where == nil {
		*where = map[int]func(){}
	}
	(*where)[len(f.requests)+n] = do
}

// Requests are those that arrived, as "METHOD path?query".
func (f *Faults) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.requests...)
}

// Count counts the requests that hold match.
func (f *Faults) Count(match string) int {
	n := 0
	for _, r := range f.Requests() {
		if strings.Contains(r, match) {
			n++
		}
	}
	return n
}

func (f *Faults) take(r *http.Request) (fault Fault, before, after func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	line := r.Method + " " + r.URL.RequestURI()
	f.requests = append(f.requests, line)
	n := len(f.requests)
	for i, o := range f.next {
		if strings.Contains(line, o.match) {
			f.next = append(f.next[:i:i], f.next[i+1:]...)
			fault = o.fault
			break
		}
	}
	return fault, f.before[n], f.after[n]
}

func (f *Faults) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, before, after := f.take(r)
		run(before)
		switch fault {
		case TooMany, TooLong:
			w.Header().Set("Retry-After", map[Fault]string{TooMany: "0", TooLong: "3600"}[fault])
			http.Error(w, `{"message":"Rate limit for this resource has been exceeded"}`, http.StatusTooManyRequests)
		case Broken:
			http.Error(w, `{"message":"Something went wrong"}`, http.StatusInternalServerError)
		case Busy:
			http.Error(w, "<html>maintenance</html>", http.StatusServiceUnavailable)
		case Missing:
			http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
		case Garbage:
			_, _ = w.Write([]byte("<html>log in</html>"))
		case Hang:
			select {
			case <-r.Context().Done():
			case <-f.hang():
			}
		case CutBefore:
			panic(http.ErrAbortHandler)
		case CutAfter:
			next.ServeHTTP(discard{http.Header{}}, r)
			run(after)
			panic(http.ErrAbortHandler)
		default:
			f.answer(w, r, next, after)
		}
	})
}

// answer obeys the request, runs after, and only then lets the client know.
func (f *Faults) answer(w http.ResponseWriter, r *http.Request, next http.Handler, after func()) {
	if after == nil {
		next.ServeHTTP(w, r)
		return
	}
	held := &held{header: w.Header(), status: http.StatusOK}
	next.ServeHTTP(held, r)
	after()
	w.WriteHeader(held.status)
	_, _ = w.Write(held.body)
}

func (f *Faults) hang() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := make(chan struct{})
	f.hung = append(f.hung, c)
	return c
}

// release ends what hangs, so that the server can be closed.
func (f *Faults) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.hung {
		close(c)
	}
	f.hung = nil
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

// held is a response that is kept back.
type held struct {
	header http.Header
	status int
	body   []byte
}

func (h *held) Header() http.Header { return h.header }

func (h *held) Write(b []byte) (int, error) {
	h.body = append(h.body, b...)
	return len(b), nil
}

func (h *held) WriteHeader(status int) { h.status = status }
