// Command hello-docker serves the pages in site/. It comes with a Dockerfile,
// for teams that bring one; nothing is fetched while the image is built.
package main

import (
	"cmp"
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

//go:embed site
var files embed.FS

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, ":"+cmp.Or(os.Getenv("PORT"), "8080"), log); err != nil {
		log.Error("hello-docker ends", "error", err)
		os.Exit(1)
	}
}

// serve answers on address until ctx is done, then gives requests under way
// ten seconds.
func serve(ctx context.Context, address string, log *slog.Logger) error {
	srv := &http.Server{Addr: address, Handler: handler(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.ListenAndServe() }()
	log.Info("serving", "address", address)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return srv.Shutdown(deadline)
}

func handler() http.Handler {
	site, err := fs.Sub(files, "site")
	if err != nil {
		panic(err) // the folder is embedded: it is there or nothing compiles
	}
	ok := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(site))
	mux.HandleFunc("GET /healthz", ok)
	mux.HandleFunc("GET /readyz", ok)
	return mux
}
