package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pave-platform/pave/internal/lab/server"
)

// The keeper's protocol: hack/lab/keeper/inner.go has the other side.
type (
	request struct {
		ID    int    `json:"id"`
		Start *start `json:"start,omitempty"`
		Kill  int    `json:"kill,omitempty"`
	}
	start struct {
		Path string   `json:"path"`
		Args []string `json:"args"`
		Env  []string `json:"env"`
		Dir  string   `json:"dir"`
		Log  string   `json:"log"`
	}
	answer struct {
		ID     int    `json:"id"`
		PID    int    `json:"pid"`
		Error  string `json:"error"`
		Ended  int    `json:"ended"`
		Status string `json:"status"`
	}
)

var errGone = errors.New("the lab's keeper has ended")

// process is one that the inner keeper has started.
type process struct {
	sandbox *Sandbox
	spec    server.Spec
	pid     int // in the sandbox
	done    chan struct{}
	status  string // after done
}

// Run implements server.Runner.
func (s *Sandbox) Run(ctx context.Context, spec server.Spec) (server.Process, error) {
	p := &process{sandbox: s, spec: spec, done: make(chan struct{})}
	err := s.ask(ctx, request{Start: &start{Path: spec.Path, Args: spec.Args, Env: spec.Env, Dir: spec.Dir, Log: spec.Log}}, p)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	return p, nil
}

// ask sends r and waits for its answer. A process that it starts becomes p.
func (s *Sandbox) ask(ctx context.Context, r request, p *process) error {
	answered := make(chan answer, 1)
	s.mu.Lock()
	s.lastID++
	r.ID = s.lastID
	s.waiting[r.ID] = answered
	if p != nil {
		s.running[-r.ID] = p // until its number is known
	}
	err := s.requests.Encode(r)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case a := <-answered:
		if a.Error != "" {
			return errors.New(a.Error)
		}
		return nil
	case <-s.gone:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listen hands on what the inner keeper says, until it is gone.
func (s *Sandbox) listen(answers *json.Decoder) {
	for {
		var a answer
		err := answers.Decode(&a)
		s.mu.Lock()
		switch {
		case err != nil:
			for _, p := range s.running {
				p.end("the lab was closed")
			}
			clear(s.running)
			close(s.gone)
			s.mu.Unlock()
			return
		case a.Ended != 0:
			if p := s.running[a.Ended]; p != nil {
				delete(s.running, a.Ended)
				p.end(a.Status)
			}
		default:
			s.answered(a)
		}
		s.mu.Unlock()
	}
}

func (s *Sandbox) answered(a answer) {
	if p := s.running[-a.ID]; p != nil {
		delete(s.running, -a.ID)
		if a.Error == "" {
			p.pid = a.PID
			s.running[a.PID] = p
		}
	}
	s.waiting[a.ID] <- a
	delete(s.waiting, a.ID)
}

func (p *process) end(status string) {
	p.status = status
	close(p.done)
}

// Ended implements server.Process.
func (p *process) Ended() error {
	select {
	case <-p.done:
		return server.EndedError(p.spec, p.status)
	default:
		return nil
	}
}

// Done implements server.Process.
func (p *process) Done() <-chan struct{} { return p.done }

// Kill implements server.Process.
func (p *process) Kill() error {
	if err := p.sandbox.ask(context.Background(), request{Kill: p.pid}, nil); err != nil && !errors.Is(err, errGone) {
		return err
	}
	<-p.done
	return nil
}
