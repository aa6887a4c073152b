// Command hello-go greets its visitor in the visitor's own language. It is a
// small web application as a team would bring it to the platform: configured
// by the environment, logging one JSON line per request, ready to be stopped
// at any moment.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

// maxConnections bounds the memory that visitors can make this process use.
const maxConnections = 512

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv); err != nil {
		slog.Error("hello-go ends", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx is done, then drains.
func run(ctx context.Context, getenv func(string) string) error {
	cfg, err := configure(getenv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: cfg.logLevel}))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("", cfg.port))
	if err != nil {
		return fmt.Errorf("port %s: %w", cfg.port, err)
	}
	return serve(ctx, netutil.LimitListener(listener, maxConnections), newServer(log, cfg.environment), cfg.drain)
}

// serve answers on l until ctx is done. It then reports itself not ready for
// the time drain, so that load balancers look elsewhere, and gives requests
// under way ten seconds to finish.
func serve(ctx context.Context, l net.Listener, s *server, drain time.Duration) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	s.ready.Store(true)
	s.log.Info("listening", "address", l.Addr().String())

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.ready.Store(false)
	s.log.Info("draining", "for", drain.String())
	time.Sleep(drain)

	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(deadline); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
