package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pave-platform/pave/hack/lab/program"
)

// mirrorLab are two registries of the same make, one of them with images, and a
// list of these.
type mirrorLab struct {
	*lab
	programs  mirrorPrograms
	source    *store
	target    *store
	list      []mirrored
	largeList []mirrored
}

// store is a registry in a process of its own, with a front that counts and lets
// requests wait.
type store struct {
	dir     string
	address string // of the registry
	front   string // of the proxy before it
	binary  string
	config  string
	process *exec.Cmd
	proxy   *http.Server

	away     atomic.Int64 // nanoseconds that a request and its answer are on their way
	requests atomic.Int64
	gets     atomic.Int64 // of manifests
}

// mirror makes the lab once: registries, images, programs.
func (l *lab) mirror(ctx context.Context) (*mirrorLab, error) {
	return l.mirrors.get(func() (*mirrorLab, error) {
		m := &mirrorLab{lab: l}
		registry, err := program.Program{Name: "registry2", Module: "registry2", Package: "github.com/pave-platform/pave/hack/lab/registry2"}.Path(ctx)
		if err != nil {
			return m, err
		}
		if m.programs, err = m.build(ctx); err != nil {
			return m, err
		}
		if m.source, err = m.store(ctx, registry, "source"); err != nil {
			return m, err
		}
		if m.target, err = m.store(ctx, registry, "target"); err != nil {
			return m, err
		}
		l.say("making %d images of %d MB", mirrorImages, l.mirrorMB)
		m.list, err = m.images(ctx)
		return m, err
	})
}

// store starts a registry and its front.
func (m *mirrorLab) store(ctx context.Context, binary, name string) (*store, error) {
	s := &store{dir: m.path("mirror", name), binary: binary, config: m.path("mirror", name+".yml")}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s.address = address
	if err := os.MkdirAll(filepath.Dir(s.config), 0o755); err != nil {
		return nil, err
	}
	config := fmt.Sprintf("version: 0.1\nstorage:\n  filesystem: {rootdirectory: %q}\n  maintenance: {uploadpurging: {enabled: false}}\n"+
		"http: {addr: %q, secret: bench}\n", s.dir, s.address)
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, s.listen(ctx)
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start starts the registry and waits until it says that it listens.
func (s *store) start(ctx context.Context) error {
	s.process = exec.CommandContext(ctx, s.binary, s.config)
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return fmt.Errorf("the registry ended before it listened: %w", err)
	}
	return nil
}

// listen starts the front. A request waits as long as it and its answer would be
// on their way.
func (s *store) listen(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.front = listener.Addr().String()
	to := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: s.address})
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}
	s.proxy = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") {
			s.gets.Add(1)
		}
		select {
		case <-time.After(time.Duration(s.away.Load())):
		case <-r.Context().Done():
			return
		}
		to.ServeHTTP(w, r)
	})}
	go func() { _ = s.proxy.Serve(listener) }() // ends with Close
	return nil
}

// stop ends the registry and leaves its folder.
func (s *store) stop() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Signal(syscall.SIGTERM)
	_ = s.process.Wait()
	s.process = nil
	return err
}

// emptyTarget gives the target an empty folder.
func (m *mirrorLab) emptyTarget(ctx context.Context) error {
	if err := m.target.stop(); err != nil {
		return err
	}
	if err := os.RemoveAll(m.target.dir); err != nil {
		return err
	}
	if _, err := m.exec(ctx, m.dir, "sync"); err != nil { // what was written before is not counted
		return err
	}
	return m.target.start(ctx)
}

// fill makes sure that the target has the list.
func (m *mirrorLab) fill(ctx context.Context) error {
	_, err := m.copy(ctx, "pave", m.target.address)
	return err
}

// close ends what runs.
func (m *mirrorLab) close() error {
	var errs []error
	for _, s := range []*store{m.source, m.target} {
		if s == nil {
			continue
		}
		errs = append(errs, s.stop())
		if s.proxy != nil {
			errs = append(errs, s.proxy.Close())
		}
	}
	return errors.Join(errs...)
}
