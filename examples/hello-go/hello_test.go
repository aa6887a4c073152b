package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestTheVisitorIsGreetedInTheirLanguage(t *testing.T) {
	for header, want := range map[string]string{
		"":                        "Hello",
		"nl-BE,nl;q=0.9,en;q=0.8": "Hallo",
		"fr-CH, fr;q=0.9":         "Bonjour",
		"sw":                      "Hello",
		"not a language;;;":       "Hello",
	} {
		if got := greetingFor(header).text; got != want {
			t.Errorf("Accept-Language %q: got %q, want %q", header, got, want)
		}
	}
}

func TestTheNameIsEscaped(t *testing.T) {
	_, body := get(t, newServer(slog.New(slog.DiscardHandler), "test"), "/?name=%3Cscript%3E")
	if strings.Contains(body, "<script>") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("the name is not escaped:\n%s", body)
	}
}

func TestProbes(t *testing.T) {
	s := newServer(slog.New(slog.DiscardHandler), "test")
	for _, c := range []struct {
		path  string
		ready bool
		want  int
	}{
		{"/healthz", false, http.StatusNoContent},
		{"/readyz", false, http.StatusServiceUnavailable},
		{"/readyz", true, http.StatusNoContent},
		{"/nowhere", true, http.StatusNotFound},
	} {
		s.ready.Store(c.ready)
		if got, _ := get(t, s, c.path); got != c.want {
			t.Errorf("%s, ready %t: got %d, want %d", c.path, c.ready, got, c.want)
		}
	}
}

func TestARequestUnderWayIsFinishedBeforeTheEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started, finish := make(chan struct{}), make(chan struct{})
	s := newServer(slog.New(slog.DiscardHandler), "test")
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-finish
		io.WriteString(w, "finished")
	})
	ctx, stop := context.WithCancel(t.Context())
	ended, answered := make(chan error, 1), make(chan string, 1)
	go func() { ended <- serve(ctx, l, s, 0) }()
	go func() {
		body, err := fetch("http://" + l.Addr().String())
		answered <- fmt.Sprint(body, err)
	}()

	<-started
	stop()
	for s.ready.Load() {
		runtime.Gosched()
	}
	close(finish)
	if got := <-answered; got != "finished<nil>" {
		t.Errorf("the request was cut off: %s", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	c, err := configure(func(string) string { return "" })
	if err != nil || c.port != "8080" || c.logLevel != slog.LevelInfo || c.drain != 3*time.Second {
		t.Errorf("defaults: %+v, %v", c, err)
	}
	for _, name := range []string{"LOG_LEVEL", "DRAIN"} {
		_, err := configure(func(n string) string {
			if n == name {
				return "loud"
			}
			return ""
		})
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s=loud: got error %v", name, err)
		}
	}
}

func fetch(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func get(t *testing.T, h http.Handler, target string) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return w.Code, w.Body.String()
}
