package transfer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// call is one request to a registry, repeated until it is answered.
type call struct {
	method string
	path   string   // below /v2/
	url    *url.URL // instead of path: where an upload goes on
	header http.Header
	body   []byte // sent again with each attempt

	// stream is a body of length bytes that can be read once: the call is then
	// sent once too, and again only if nothing was read of it.
	stream io.Reader
	length int64
	large  bool // the answer has a body of any size

	repositories []string // whose access it needs
	want         []int    // statuses that are an answer; others become errors
}

// hostError says whose error it is.
type hostError struct {
	host name.Registry
	error
}

// Unwrap gives the error.
func (e *hostError) Unwrap() error { return e.error }

// do sends c. The caller closes the body of the answer.
func (h *host) do(ctx context.Context, c call) (*http.Response, error) {
	resp, err := h.try(ctx, c)
	if err != nil {
		return nil, &hostError{h.reg, err}
	}
	return resp, nil
}

func (h *host) try(ctx context.Context, c call) (*http.Response, error) {
	if err := h.greet(ctx); err != nil {
		return nil, err
	}
	for attempt, renewals := 0, 0; ; attempt++ {
		if err := h.gate.wait(ctx); err != nil {
			return nil, err
		}
		r, err := h.request(ctx, c)
		if err != nil {
			return nil, err
		}
		used, err := h.authorizeFor(ctx, r, c)
		if err != nil {
			return nil, err
		}
		resp, err := h.client(c).Do(r)
		if body, ok := r.Body.(*lent); ok {
			<-body.back
		}
		if err == nil && slices.Contains(c.want, resp.StatusCode) {
			return resp, nil
		}
		if err == nil && resp.StatusCode == http.StatusUnauthorized && renewals < 2 && !c.spent() {
			if renewals > 0 {
				h.single() // the group's token may lack what it was asked for
			}
			if h.renew(used, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), resp) {
				renewals, attempt = renewals+1, attempt-1
				drain(resp)
				continue
			}
		}
		if err == nil && temporary(resp.StatusCode) {
			h.gate.close(retryAfter(resp.Header))
		}
		if c.stream == nil && h.again(ctx, attempt, resp, err) {
			drain(resp)
			continue
		}
		if err != nil {
			return nil, withoutQuery(err)
		}
		return nil, refusal(resp, c.want)
	}
}

// withoutQuery leaves out what may be a signature in an address, as of a store
// that a registry redirects to, or an upload's state.
func withoutQuery(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		failed.URL, _, _ = strings.Cut(failed.URL, "?")
	}
	return err
}

// client gives large bodies connections to themselves.
func (h *host) client(c call) *http.Client {
	if c.stream != nil || c.large {
		return h.side.bulk
	}
	return h.side.light
}

// authorizeFor gives no credentials to an address that is not the registry's.
func (h *host) authorizeFor(ctx context.Context, r *http.Request, c call) (*token, error) {
	if r.URL.Host != h.reg.RegistryStr() {
		return nil, nil
	}
	return h.authorize(ctx, r, c.repositories)
}

func (h *host) request(ctx context.Context, c call) (*http.Request, error) {
	to := c.url
	if to == nil {
		to = h.url(c.path)
	}
	r, err := http.NewRequestWithContext(ctx, c.method, to.String(), nil)
	if err != nil {
		return nil, err
	}
	for k, v := range c.header {
		r.Header[k] = v
	}
	r.Header.Set("User-Agent", "pave")
	switch {
	case c.stream != nil && c.length > 0:
		r.Body, r.ContentLength = &lent{Reader: c.stream, back: make(chan struct{})}, c.length
		if c.length > smallBlob {
			// A registry that refuses says so before the body is read.
			r.Header.Set("Expect", "100-continue")
		}
	case c.body != nil:
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(c.body)), int64(len(c.body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.body)), nil }
	}
	return r, nil
}

// lent is a body that net/http may go on reading after it has answered: it says
// when it has given the body back.
type lent struct {
	io.Reader
	once sync.Once
	back chan struct{}
}

// Close implements io.Closer.
func (l *lent) Close() error {
	l.once.Do(func() { close(l.back) })
	return nil
}

// spent says that a stream has been read from.
func (c call) spent() bool {
	s, ok := c.stream.(*stream)
	return ok && s.touched()
}

// refusal is the error of an answer that nobody wanted.
func refusal(resp *http.Response, want []int) error {
	defer resp.Body.Close()
	return transport.CheckError(resp, want...)
}

// drain reads what is left of an answer, so that its connection can be used
// again, if that is little.
func drain(resp *http.Response) {
	if resp != nil {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		_ = resp.Body.Close()
	}
}

// status gives the status of an answer that became an error; 0 if it did not.
func status(err error) int {
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		return answer.StatusCode
	}
	return 0
}

func certificate(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.UnknownAuthorityError](err)
	return ok || errors.Is(err, http.ErrSchemeMismatch)
}

func unresolved(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}
