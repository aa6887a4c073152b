// Web is a web application for tests of what a cluster does with one: it
// answers as its image's environment tells it to.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if os.Getenv("WEB_CRASH") != "" {
		fmt.Fprintln(os.Stderr, "web: crashing, as told")
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getenv("WEB_TEXT")) })
	health := func(w http.ResponseWriter, _ *http.Request) {
		if os.Getenv("WEB_BROKEN") != "" {
			http.Error(w, "broken, as told", http.StatusInternalServerError)
		}
	}
	mux.HandleFunc("GET /healthz", health)
	mux.HandleFunc("GET /readyz", health)
	server := &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}
