package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var daggerFunctions = []string{"dagger", "functions", "--progress=plain"}

// loadRoot loads the root module once, so that the engine has generated and
// compiled its code.
func (l *lab) loadRoot(ctx context.Context) error {
	if err := needDagger(); err != nil {
		return err
	}
	l.say("loading the root module")
	_, err := l.exec(ctx, l.repository, daggerFunctions...)
	return err
}

func functionsWarm(ctx context.Context, l *lab) (outcome, error) {
	if err := l.loadRoot(ctx); err != nil {
		return outcome{}, err
	}
	runs, err := l.repeat(ctx, l.repository, daggerFunctions...)
	if err != nil {
		return outcome{}, err
	}
	return seconds(runs, l.typed(l.repository, daggerFunctions...)), nil
}

// functionsCold calls it in a copy of the repository for each run: all that the
// engine kept by path is of no use, only what it kept by content is.
func functionsCold(ctx context.Context, l *lab) (outcome, error) {
	return l.functionsInCopies(ctx, "cold", func(string) error { return nil })
}

// functionsEdited adds a line to the root module in each copy: the engine
// generates and compiles that one again, its dependencies stay as they were.
func functionsEdited(ctx context.Context, l *lab) (outcome, error) {
	return l.functionsInCopies(ctx, "edited", func(clone string) error {
		f, err := os.OpenFile(filepath.Join(clone, ".dagger", "main.go"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(f, "\n// %d\n", time.Now().UnixNano()) // new to the engine in every run of bench
		return errors.Join(err, f.Close())
	})
}

func (l *lab) functionsInCopies(ctx context.Context, name string, prepare func(clone string) error) (outcome, error) {
	if err := l.loadRoot(ctx); err != nil {
		return outcome{}, err
	}
	var runs []ran
	for i := range l.runs {
		clone := l.path(fmt.Sprintf("%s-%d", name, i))
		if err := errors.Join(l.copyRepository(ctx, clone), prepare(clone)); err != nil {
			return outcome{}, err
		}
		r, err := l.exec(ctx, clone, daggerFunctions...)
		if err != nil {
			return outcome{}, err
		}
		runs = append(runs, r)
	}
	return seconds(runs, l.typed(l.path(name+"-N"), daggerFunctions...)), nil
}

// copyRepository copies what Git knows of, as it is now, into a repository of
// its own. A clone would lack changes that are not committed yet.
func (l *lab) copyRepository(ctx context.Context, to string) error {
	list, err := l.exec(ctx, l.repository, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimRight(list.stdout, "\x00"), "\x00") {
		if err := copyFile(filepath.Join(l.repository, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	_, err = l.exec(ctx, to, "git", "init", "--quiet", "--initial-branch=main")
	return err
}

// copyFile keeps the mode; a file that is gone is left out.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(out, in)
	return err
}
