package registrytest

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// Front stands before a registry (Options.Wrap), notes what is asked of it and
// breaks what it is told to. It is safe for several goroutines.
type Front struct {
	mu    sync.Mutex
	open  sync.WaitGroup // requests that are not answered yet
	seen  []Request
	rules []*rule
}

// Request is a request that a Front has seen.
type Request struct {
	Method string
	Path   string
	Query  string
	Range  string // Range or Content-Range
	Status int    // of the answer; 0 where the connection was cut
	Token  string // the Authorization header
}

// Fault is something that goes wrong with a request.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

type rule struct {
	method string
	path   *regexp.Regexp
	times  int
	fault  Fault
}

// Break lets the next so many requests with the method and a path that matches,
// with its query, run into the fault. A negative number is for ever.
func (f *Front) Break(method, path string, times int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{method, regexp.MustCompile(path), times, fault})
}

// Heal forgets all faults.
func (f *Front) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Wrap is for Options.Wrap.
func (f *Front) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := &answer{ResponseWriter: w}
		asked := Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Token: r.Header.Get("Authorization"),
			Range: r.Header.Get("Range") + r.Header.Get("Content-Range")}
		f.open.Add(1)
		defer f.open.Done()
		defer func() {
			asked.Status = said.status
			f.mu.Lock()
			f.seen = append(f.seen, asked)
			f.mu.Unlock()
		}()
		if fault := f.fault(r); fault != nil {
			fault(said, r, next)
			return
		}
		next.ServeHTTP(said, r)
	})
}

func (f *Front) fault(r *http.Request) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.rules {
		if rule.times != 0 && rule.method == r.Method && rule.path.MatchString(r.URL.RequestURI()) {
			rule.times--
			return rule.fault
		}
	}
	return nil
}

// Wait waits until all requests have ended, those of a killed client too.
func (f *Front) Wait() { f.open.Wait() }

// Requests gives what was asked so far, in the order of the answers.
func (f *Front) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// Count counts the requests with the method and a path that matches.
func (f *Front) Count(method, path string) int {
	match, n := regexp.MustCompile(path), 0
	for _, r := range f.Requests() {
		if (method == "" || r.Method == method) && match.MatchString(r.Path) {
			n++
		}
	}
	return n
}

// Reset forgets what was asked.
func (f *Front) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = nil
}

// answer notes the status.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Answer answers in the registry's place.
func Answer(status int, body string, header ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Cut closes the connection without an answer.
func Cut() Fault {
	return func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }
}

// CutAnswer closes the connection after so many bytes of the answer's body.
func CutAnswer(after int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&changed{ResponseWriter: w, left: after}, r)
	}
}

// Truncate ends the answer's body after so many bytes, as if that were all.
func Truncate(after int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&changed{ResponseWriter: w, left: after, short: true, length: after}, r)
	}
}

// Corrupt changes the byte at an offset of the answer's body.
func Corrupt(at int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&changed{ResponseWriter: w, left: at, flip: true}, r)
	}
}

// CutBody closes the connection after so many bytes of the request's body, which
// the registry sees.
func CutBody(after int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Body = &part{ReadCloser: r.Body, left: after}
		next.ServeHTTP(&nowhere{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}
}

// Lose lets the registry do what it is asked and closes the connection instead
// of passing its answer on.
func Lose() Fault {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&nowhere{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}
}

// Before does something and passes the request on.
func Before(do func()) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		do()
		next.ServeHTTP(w, r)
	}
}

// changed is an answer whose body is cut, shortened or altered after so many
// bytes.
type changed struct {
	http.ResponseWriter
	left        int64
	flip, short bool
	length      int64
}

// WriteHeader implements http.ResponseWriter.
func (c *changed) WriteHeader(status int) {
	if c.short {
		c.Header().Set("Content-Length", strconv.FormatInt(c.length, 10))
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (c *changed) Write(b []byte) (int, error) {
	if int64(len(b)) <= c.left {
		c.left -= int64(len(b))
		return c.ResponseWriter.Write(b)
	}
	at := c.left
	switch {
	case c.flip:
		b = slices.Clone(b)
		b[at] ^= 0xff
		c.flip, c.left = false, 1<<62
		return c.ResponseWriter.Write(b)
	case c.short:
		c.left = 0
		_, err := c.ResponseWriter.Write(b[:at])
		return len(b), err
	}
	_, _ = c.ResponseWriter.Write(b[:at])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// part is a body that ends early.
type part struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (p *part) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, errors.New("the connection was cut")
	}
	n, err := p.ReadCloser.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	return n, err
}

// nowhere is an answer that does not arrive.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}

// Blob matches the path of a blob, or of any blob where digest is empty.
func Blob(digest string) string { return "/blobs/" + cmp.Or(digest, "sha256:") }
