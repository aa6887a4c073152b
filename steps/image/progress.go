package image

import (
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// progressEvery keeps a log readable: short pushes say nothing.
const progressEvery = 3 * time.Second

// progress counts what goes through a transport and logs it from time to time.
type progress struct {
	next http.RoundTripper
	sent atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (p *progress) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return p.next.RoundTrip(r)
	}
	counted := r.Clone(r.Context())
	counted.Body = countedBody{r.Body, &p.sent}
	return p.next.RoundTrip(counted)
}

type countedBody struct {
	io.ReadCloser
	sent *atomic.Int64
}

// Read implements io.Reader.
func (c countedBody) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.sent.Add(int64(n))
	return n, err
}

// report logs until the function that it returns is called. The total is a
// bound: layers that the registry has are not sent.
func (p *progress) report(log *slog.Logger, what string, total int64) (stop func()) {
	ticker := time.NewTicker(progressEvery)
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				log.Info("pushing", "image", what, "sent", megabytes(p.sent.Load()), "of at most", megabytes(total))
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(ended)
		<-done
	}
}
