package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pave-platform/pave/internal/registry"
)

// lightJobs bounds requests without a body of any size, which wait for the
// network and for little else.
const lightJobs = 48

// side is one end of a transfer: a client and the registries that it reaches.
type side struct {
	client   *registry.Client
	light    *http.Client // for what waits for the network
	bulk     *http.Client // for blobs
	requests atomic.Int64
	actions  string // what tokens are asked for

	mu    sync.Mutex
	hosts map[string]*host
}

func newSide(c *registry.Client, actions string) *side {
	s := &side{client: c, actions: actions, hosts: map[string]*host{}}
	s.light = &http.Client{Transport: &counting{c.Pool(lightJobs, false), &s.requests}, CheckRedirect: dropCredentials}
	s.bulk = &http.Client{Transport: &counting{c.Pool(lightJobs, true), &s.requests}, CheckRedirect: dropCredentials}
	return s
}

// close closes idle connections.
func (s *side) close() {
	s.light.CloseIdleConnections()
	s.bulk.CloseIdleConnections()
}

// host gives the registry that repositories of reg are at.
func (s *side) host(reg name.Registry) *host {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hosts[reg.RegistryStr()]
	if h == nil {
		h = &host{side: s, reg: reg, light: make(chan struct{}, lightJobs), tokens: map[string]*token{}}
		s.hosts[reg.RegistryStr()] = h
	}
	return h
}

// counting counts requests, those of redirects and to token servers too.
type counting struct {
	inner http.RoundTripper
	n     *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.inner.RoundTrip(r)
}

// CloseIdleConnections is what http.Client looks for.
func (c *counting) CloseIdleConnections() {
	if t, ok := c.inner.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// dropCredentials keeps them from whoever a registry sends us to: net/http does
// so for another name, not for another port.
func dropCredentials(r *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
		r.Header.Del("Authorization")
	}
	return nil
}

// host is a registry: how it wants to be spoken to is found out once.
type host struct {
	side  *side
	reg   name.Registry
	light chan struct{}
	gate  gate

	greeting  sync.Mutex
	greeted   atomic.Bool
	challenge *transport.Challenge
	auth      authn.Authenticator

	mu     sync.Mutex
	tokens map[string]*token
	groups [][]string // repositories that share a token
	alone  bool       // the registry gives no tokens for groups

	asking      sync.Mutex
	lists       *bool       // whether it has the referrers API, once that is known
	noReferrers atomic.Bool // as a source
}

// greet asks the registry for its scheme and its kind of authentication.
func (h *host) greet(ctx context.Context) error {
	h.greeting.Lock()
	defer h.greeting.Unlock()
	if h.challenge != nil {
		return nil
	}
	auth, err := authn.Resolve(ctx, h.side.client.Keychain(), h.reg)
	if err != nil {
		return err
	}
	c, err := h.ping(ctx)
	if err != nil {
		return err
	}
	h.auth, h.challenge = auth, c
	h.greeted.Store(true)
	return nil
}

func (h *host) ping(ctx context.Context) (*transport.Challenge, error) {
	for attempt := 0; ; attempt++ {
		if err := h.gate.wait(ctx); err != nil {
			return nil, err
		}
		c, err := transport.Ping(ctx, h.reg, h.side.light.Transport)
		if err == nil {
			return c, nil
		}
		// To loopback, the refusal of plain http hides that https was cut.
		cut := errors.Is(err, io.EOF) && attempt+1 < attempts && pause(ctx, delay(attempt)) == nil
		if !cut && !h.again(ctx, attempt, nil, err) {
			return nil, err
		}
	}
}

// url gives the address of a path below /v2/.
func (h *host) url(path string) *url.URL {
	scheme := "https"
	if h.challenge.Insecure {
		scheme = "http"
	}
	p, query, _ := strings.Cut(path, "?")
	return &url.URL{Scheme: scheme, Host: h.reg.RegistryStr(), Path: "/v2/" + p, RawQuery: query}
}

// enter takes one of the registry's places for light requests.
func (h *host) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.light <- struct{}{}:
		return func() { <-h.light }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
