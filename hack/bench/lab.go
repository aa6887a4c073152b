package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

// options say how to measure.
type options struct {
	runs     int
	pave     string // binary; empty: build it
	database string // folder; empty: make a small one
	mirrorMB int    // of all images that are mirrored
}

// lab is the place to measure in: a temporary folder, and what the rows share,
// each made when the first row asks for it.
type lab struct {
	options
	repository string
	dir        string
	begun      time.Time

	binary   made[string]
	image    made[string]
	vulndb   made[string]
	services made[*servers]
	app      made[*application]
	tools    made[peers]
	mirrors  made[*mirrorLab]

	gitServer     made[string]
	deployServers servers // of the rows about deploys
}

func newLab(ctx context.Context, o options) (*lab, error) {
	l := &lab{options: o, begun: time.Now()}
	r, err := l.exec(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/pave-platform/pave")
	if err != nil {
		return nil, fault.Inputf("not inside the repository: %w", err).Fix("run it as `go run ./hack/bench` at the repository's root")
	}
	l.repository = strings.TrimSpace(r.stdout)
	for _, path := range []*string{&l.pave, &l.database} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
		if _, err := os.Stat(*path); err != nil {
			return nil, fault.Inputf("%w", err)
		}
	}
	l.dir, err = os.MkdirTemp("", "pave-bench-")
	return l, err
}

// close ends the servers and removes the folder.
func (l *lab) close() error {
	if l.services.value != nil {
		l.services.value.stop()
	}
	l.deployServers.stop()
	var err error
	if l.mirrors.value != nil {
		err = l.mirrors.value.close()
	}
	return errors.Join(err, os.RemoveAll(l.dir))
}

// say tells on stderr what is being done, and since when.
func (l *lab) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(l.begun).Seconds(), fmt.Sprintf(format, args...))
}

func (l *lab) path(elements ...string) string {
	return filepath.Join(append([]string{l.dir}, elements...)...)
}

// made is something that is made once, or has failed once.
type made[T any] struct {
	value T
	err   error
	done  bool
}

func (m *made[T]) get(produce func() (T, error)) (T, error) {
	if !m.done {
		m.value, m.err = produce()
		m.done = true
	}
	return m.value, m.err
}

// paveBinary is the program under test, built as the toolbox module builds it.
func (l *lab) paveBinary(ctx context.Context) (string, error) {
	return l.binary.get(func() (string, error) {
		if l.pave != "" {
			return l.pave, nil
		}
		l.say("building pave")
		path := l.path("pave")
		_, err := l.exec(ctx, l.repository, "go", "build", "-ldflags=-s -w -buildid=", "-o", path, "./cmd/pave")
		return path, err
	})
}

// trivyCache is a folder with a vulnerability database in db/, as Trivy keeps it.
func (l *lab) trivyCache(ctx context.Context) (string, error) {
	return l.vulndb.get(func() (string, error) {
		cache := l.path("trivy")
		if err := os.MkdirAll(cache, 0o755); err != nil {
			return "", err
		}
		db := filepath.Join(cache, "db")
		if l.database != "" {
			return cache, os.Symlink(l.database, db)
		}
		pave, err := l.paveBinary(ctx)
		if err != nil {
			return "", err
		}
		_, err = l.exec(ctx, l.dir, pave, "dev", "vulndb", "--output="+db)
		return cache, err
	})
}

// needDagger fails with a remedy where there is no engine to measure.
func needDagger() error {
	if _, err := exec.LookPath("dagger"); err != nil {
		return fault.Inputf("%w", err).Fix(`start an engine with "make engine", then: eval "$(go run ./hack/engine env)"`)
	}
	return nil
}
