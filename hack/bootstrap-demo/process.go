//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pave-platform/pave/internal/subprocess"
)

// build compiles pave from the repository around the working folder.
func build(ctx context.Context, dir string, stderr io.Writer) (string, error) {
	fmt.Fprintln(stderr, "building pave: minutes the first time")
	path := filepath.Join(dir, "pave")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", path, "github.com/pave-platform/pave/cmd/pave")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=jsonv2")
	return path, subprocess.Quietly(ctx, cmd)
}

// command prepares a program in a network. It dies with this one.
func (s *stage) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := subprocess.Command(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Dir = s.dir
	return cmd
}

// server is a program that runs until the demo is over.
type server struct {
	name  string
	ended chan struct{} // closed when it is gone
	err   error         // why, after that
	said  *tail
}

// serve starts a program that says what it is, as one JSON document, when it is
// ready.
func (s *stage) serve(ctx context.Context, in *network, name string, cmd *exec.Cmd, ready any) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	v := &server{name: name, ended: make(chan struct{}), said: &tail{}}
	cmd.Stderr = v.said
	started := make(chan error, 1)
	in.inside(func() error {
		err := cmd.Start()
		started <- err
		if err == nil {
			v.err = cmd.Wait()
		}
		close(v.ended)
		return nil
	})
	if err := <-started; err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.servers = append(s.servers, v)
	answer := make(chan error, 1)
	go func() { answer <- json.NewDecoder(out).Decode(ready) }()
	select {
	case err := <-answer:
		if err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, v.said)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// role starts this program as one of its roles.
func (s *stage) role(ctx context.Context, in *network, name string, settings map[string]string, ready any) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := s.command(ctx, self)
	cmd.Env = append(os.Environ(), roleVariable+"="+name)
	for k, v := range settings {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if name == "apiserver" {
		cmd.Dir = ""                     // it looks for the repository
		cmd.WaitDelay = 15 * time.Second // it waits for its servers to end, one after the other, and removes their folder
	}
	return s.serve(ctx, in, name, cmd, ready)
}

// pave runs pave as a person would on that runner, and shows it. It gives what
// pave said.
func (s *stage) pave(ctx context.Context, in *network, args ...string) (string, error) {
	fmt.Fprintf(s.out, "\n[%s]$ pave %s\n", in.name, strings.ReplaceAll(strings.Join(args, " "), s.dir+"/", ""))
	var said bytes.Buffer
	cmd := s.command(ctx, s.binary, args...)
	shown := short{s.out, s.dir + "/"}
	cmd.Stdout = io.MultiWriter(shown, &said)
	cmd.Stderr = io.MultiWriter(quiet{shown}, &said)
	err := <-in.inside(func() error { return cmd.Run() })
	s.said.Write(said.Bytes())
	s.commands = append(s.commands, strings.Join(cmd.Args, " "))
	if err != nil {
		if ctx.Err() != nil {
			return said.String(), ctx.Err()
		}
		return said.String(), fmt.Errorf("pave %s: %w", strings.Join(args[:min(3, len(args))], " "), err)
	}
	return said.String(), s.alive()
}

// alive is an error if one of the servers is gone.
func (s *stage) alive() error {
	for _, v := range s.servers {
		select {
		case <-v.ended:
			return fmt.Errorf("%s ended: %w: %s", v.name, errors.Join(v.err, io.ErrUnexpectedEOF), v.said)
		default:
		}
	}
	return nil
}

// short leaves the demo's folder out of paths.
type short struct {
	w   io.Writer
	dir string
}

// Write implements io.Writer.
func (s short) Write(b []byte) (int, error) {
	_, err := s.w.Write(bytes.ReplaceAll(b, []byte(s.dir), nil))
	return len(b), err
}

// quiet leaves the log's progress out of what is shown, and shows errors.
type quiet struct{ w io.Writer }

// Write implements io.Writer.
func (q quiet) Write(b []byte) (int, error) {
	for line := range bytes.Lines(b) {
		if bytes.HasPrefix(line, []byte("time=")) && !bytes.Contains(line, []byte("level=ERROR")) {
			continue
		}
		if _, err := q.w.Write(line); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// tail keeps the end of what a server says.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailBytes = 4 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(b)
	t.buf.Next(max(0, t.buf.Len()-tailBytes))
	return len(b), nil
}

// String gives it.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
