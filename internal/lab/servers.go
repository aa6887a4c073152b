package lab

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/lab/server"
)

// servers knows every process of the lab by its name.
type servers struct {
	runner server.Runner
	mu     sync.Mutex
	known  map[string]*running
}

type running struct {
	spec    server.Spec
	process server.Process
}

func newServers(r server.Runner) *servers {
	return &servers{runner: r, known: map[string]*running{}}
}

// Run implements server.Runner.
func (s *servers) Run(ctx context.Context, spec server.Spec) (server.Process, error) {
	p, err := s.runner.Run(ctx, spec)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[spec.Name] = &running{spec: spec, process: p}
	return p, nil
}

func (s *servers) find(name string) (*running, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.known[name]; ok {
		return r, nil
	}
	return nil, fault.Inputf("the lab has no server %q", name).Fix("choose of %s", strings.Join(slices.Sorted(maps.Keys(s.known)), ", "))
}

// Servers names the lab's processes, as Log, Stop and Resume know them:
// etcd, kube-apiserver, argocd-application-controller, ….
func (l *Lab) Servers() []string {
	l.servers.mu.Lock()
	defer l.servers.mu.Unlock()
	return slices.Sorted(maps.Keys(l.servers.known))
}

// Log gives the file with what a process has said.
func (l *Lab) Log(server string) (file string, err error) {
	r, err := l.servers.find(server)
	if err != nil {
		return "", err
	}
	return r.spec.Log, nil
}

// Stop kills a process, for tests of what others do without it.
func (l *Lab) Stop(_ context.Context, server string) error {
	r, err := l.servers.find(server)
	if err != nil {
		return err
	}
	return r.process.Kill()
}

// Resume starts a process again that Stop has killed, and waits until it is ready.
func (l *Lab) Resume(ctx context.Context, name string) error {
	r, err := l.servers.find(name)
	if err != nil {
		return err
	}
	if r.process.Ended() == nil {
		return nil
	}
	return server.StartReady(ctx, l.servers, l.Dial, r.spec)
}
