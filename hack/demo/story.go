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
	"time"

	"github.com/pave-platform/pave/internal/subprocess"
)

// story is told step by step: what is done, the command that does it, what it
// says, and how to look for oneself.
type story struct {
	out   io.Writer
	dir   string // where the commands run: a folder of the demo's own
	env   []string
	begin time.Time
	steps int
}

// newStory compiles pave and makes the folder. The caller removes it.
func newStory(ctx context.Context, out io.Writer) (*story, error) {
	dir, err := os.MkdirTemp("", "pave-demo-")
	if err != nil {
		return nil, err
	}
	s := &story{out: out, dir: dir, begin: time.Now()}
	bin := filepath.Join(dir, "bin")
	s.env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	s.step("Compile pave")
	build := subprocess.Command(ctx, "go", "build", "-o", bin+string(os.PathSeparator), "github.com/pave-platform/pave/cmd/pave")
	if err := subprocess.Quietly(ctx, build); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *story) step(what string) {
	s.steps++
	fmt.Fprintf(s.out, "\n%d. %s  [%s]\n", s.steps, what, time.Since(s.begin).Round(time.Second))
}

// look tells how to see for oneself.
func (s *story) look(format string, args ...any) {
	fmt.Fprintf(s.out, "   look: %s\n", fmt.Sprintf(format, args...))
}

func (s *story) say(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(s.out, "   | %s\n", strings.TrimRight(line, "\n"))
	}
}

// failed is a command that ended with an exit code that the story did not want.
type failed struct {
	command string
	code    int
}

func (f *failed) Error() string { return fmt.Sprintf("%s: exit code %d", f.command, f.code) }

// pave runs pave and shows what it says.
func (s *story) pave(ctx context.Context, args ...string) error {
	out, err := s.run(ctx, "pave", args...)
	s.say(string(out))
	return err
}

// refused runs pave, which is to end with the exit code given.
func (s *story) refused(ctx context.Context, code int, args ...string) error {
	err := s.pave(ctx, args...)
	if f := (*failed)(nil); errors.As(err, &f) && f.code == code {
		fmt.Fprintf(s.out, "   exit code %d\n", code)
		return nil
	}
	if err == nil {
		return fmt.Errorf("pave %s: exit code 0, want %d", strings.Join(args, " "), code)
	}
	return err
}

// ask runs pave for its JSON.
func (s *story) ask(ctx context.Context, answer any, args ...string) error {
	out, err := s.run(ctx, "pave", append(args, "--json")...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, answer)
}

// run shows a command, runs it and gives what it writes to its standard output.
func (s *story) run(ctx context.Context, name string, args ...string) ([]byte, error) {
	line := name + " " + strings.Join(args, " ")
	fmt.Fprintf(s.out, "   $ %s\n", line)
	cmd := subprocess.Command(ctx, filepath.Join(s.dir, "bin", name), args...)
	if name != "pave" {
		cmd = subprocess.Command(ctx, name, args...)
	}
	var said bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, &said, indented{s.out}
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() == nil {
		return said.Bytes(), &failed{line, exit.ExitCode()}
	}
	return said.Bytes(), errors.Join(ctx.Err(), err)
}

// indented puts what a command says about its progress under the command.
type indented struct{ w io.Writer }

func (i indented) Write(b []byte) (int, error) {
	for line := range bytes.Lines(b) {
		if _, err := fmt.Fprintf(i.w, "     %s\n", bytes.TrimRight(line, "\n")); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}
