// Package serve runs pave's small development servers: over TLS, with basic
// authentication where asked, until the context ends.
//
// It promises not to speak plain http beyond loopback.
package serve

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

// Options say where and how a server listens.
type Options struct {
	Addr     string // host:port; port 0 takes a free one
	TLSCert  string // PEM file; empty: plain http, on loopback only
	TLSKey   string // PEM file, needed with TLSCert
	Username string // empty: everybody may come in
	Password []byte // needed with Username
}

// Run serves handler until ctx ends, then lets running requests finish for a
// few seconds and returns nil. It calls ready once, with the server's URL.
func Run(ctx context.Context, o Options, handler http.Handler, ready func(url string)) error {
	config, err := tlsConfig(o)
	if err != nil {
		return err
	}
	if (o.Username == "") != (len(o.Password) == 0) {
		return fault.Inputf("a user name and a password come together").Fix("give both or neither")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return fault.Failedf("cannot listen: %w", err).Fix("give another --addr")
	}
	server := &http.Server{
		Handler:           BasicAuth(o.Username, o.Password, handler),
		TLSConfig:         config,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	scheme := "http"
	if config != nil {
		scheme = "https"
		go func() { ended <- server.ServeTLS(listener, "", "") }()
	} else {
		go func() { ended <- server.Serve(listener) }()
	}
	ready(scheme + "://" + listener.Addr().String())
	select {
	case err := <-ended:
		return fault.Failedf("server: %w", err)
	case <-ctx.Done():
		return stop(server)
	}
}

func stop(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

// tlsConfig is nil for plain http.
func tlsConfig(o Options) (*tls.Config, error) {
	if o.TLSCert == "" && o.TLSKey == "" {
		addr, err := net.ResolveTCPAddr("tcp", o.Addr)
		if err != nil {
			return nil, fault.Inputf("--addr: %w", err)
		}
		if !addr.IP.IsLoopback() {
			return nil, fault.Inputf("plain http is for loopback only, not for %s", o.Addr).
				Fix("give --tls-cert and --tls-key: pave dev ca makes them")
		}
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
	if err != nil {
		return nil, fault.Inputf("TLS certificate and key: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}, nil
}

// BasicAuth lets only username in, or everybody where username is empty.
func BasicAuth(username string, password []byte, next http.Handler) http.Handler {
	if username == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		sameUser := subtle.ConstantTimeCompare([]byte(u), []byte(username))
		samePassword := subtle.ConstantTimeCompare([]byte(p), password)
		if sameUser&samePassword != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="pave dev"`)
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
