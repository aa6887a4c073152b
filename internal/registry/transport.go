package registry

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"
)

// safeTransport speaks plain http to loopback only, so that a client library
// that falls back from https, a redirect or a token server's address cannot
// make it send credentials in the clear.
type safeTransport struct{ secure, plain *http.Transport }

func newTransport(config *tls.Config) *safeTransport {
	secure := http.DefaultTransport.(*http.Transport).Clone()
	secure.TLSClientConfig = config
	secure.MaxIdleConnsPerHost = 16
	secure.ResponseHeaderTimeout = 60 * time.Second
	plain := secure.Clone()
	plain.Proxy = nil // a proxy is not loopback
	plain.DialContext = loopbackOnly(plain.DialContext)
	return &safeTransport{secure, plain}
}

// pool is s for many requests at a time. With bulk they are large bodies: over
// HTTP/1.1, where each has a connection and its window for itself, with buffers
// of a TLS record's size.
func (s *safeTransport) pool(connections int, bulk bool) *safeTransport {
	b := &safeTransport{s.secure.Clone(), s.plain.Clone()}
	for _, t := range []*http.Transport{b.secure, b.plain} {
		if bulk {
			t.ForceAttemptHTTP2 = false
			t.Protocols = new(http.Protocols)
			t.Protocols.SetHTTP1(true)
			// What s has set up for HTTP/2 comes along with the copy.
			t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
			t.TLSClientConfig = t.TLSClientConfig.Clone()
			t.TLSClientConfig.NextProtos = []string{"http/1.1"}
			t.ReadBufferSize, t.WriteBufferSize = 16<<10, 16<<10
		}
		t.MaxIdleConns = 0
		t.ResponseHeaderTimeout = 5 * time.Minute // a registry may move a large blob before it answers
		t.MaxIdleConnsPerHost = connections
	}
	return b
}

// RoundTrip implements http.RoundTripper.
func (s *safeTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.Scheme == "https":
		return s.secure.RoundTrip(r)
	case !loopbackName(r.URL.Hostname()):
		if r.Body != nil {
			_ = r.Body.Close() // as a RoundTripper must
		}
		return nil, noTLS(r.URL.Host, "")
	}
	return s.plain.RoundTrip(r)
}

// CloseIdleConnections is what http.Client looks for.
func (s *safeTransport) CloseIdleConnections() {
	s.secure.CloseIdleConnections()
	s.plain.CloseIdleConnections()
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// loopbackOnly checks where a loopback name has led: nothing makes a resolver
// answer 127.0.0.1.
func loopbackOnly(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if to, ok := conn.RemoteAddr().(*net.TCPAddr); !ok || !to.IP.IsLoopback() {
			_ = conn.Close()
			return nil, noTLS(address, "")
		}
		return conn, nil
	}
}

func loopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
