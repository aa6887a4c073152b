package main

import (
	_ "embed"
	"html/template"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// server answers the application's requests.
type server struct {
	log         *slog.Logger
	environment string
	ready       atomic.Bool
	http.Handler
}

func newServer(log *slog.Logger, environment string) *server {
	s := &server{log: log, environment: environment}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.greet)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	s.Handler = s.logged(mux)
	return s
}

func (s *server) greet(w http.ResponseWriter, r *http.Request) {
	g := greetingFor(r.Header.Get("Accept-Language"))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", g.language.String())
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Vary", "Accept-Language")
	err := page.Execute(w, map[string]any{
		"Language":    g.language.String(),
		"Greeting":    g.text,
		"Name":        r.FormValue("name"),
		"Environment": s.environment,
	})
	if err != nil {
		s.log.WarnContext(r.Context(), "page not written", "error", err)
	}
}

// healthz says that the process lives; it never looks at anything else.
func (*server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNoContent)
}

// readyz says whether requests are welcome.
func (s *server) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// logged writes one line per request; probes only at level debug.
func (s *server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		level := slog.LevelInfo
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			level = slog.LevelDebug
		}
		s.log.LogAttrs(r.Context(), level, "request",
			slog.String("method", r.Method),
			slog.String("path", r.URL.Path),
			slog.Int("status", rec.status),
			slog.Duration("duration", time.Since(start)))
	})
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader passes the status on.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
