package main

import (
	"context"
	"path/filepath"
	"regexp"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/fault"
)

const (
	// DefaultName is the instance that Dagger's own defaults find.
	DefaultName = "default"
	// DefaultStateDir is where Dagger's own images keep the engine's state.
	DefaultStateDir = "/var/lib/dagger"

	runFolder = "/run/dagger"
)

// instance is where one engine keeps its things.
type instance struct {
	name  string
	state string // its caches and its log
	run   string // its socket and the record of its process; gone after a reboot
}

var instanceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`)

func newInstance(name, stateDir string) (instance, error) {
	if !instanceName.MatchString(name) {
		return instance{}, fault.Inputf("--name %q is not a name", name).Fix("use at most 31 of a-z, 0-9 and -")
	}
	if !filepath.IsAbs(stateDir) {
		return instance{}, fault.Inputf("--state-dir %q is not an absolute path", stateDir)
	}
	run := runFolder
	if name != DefaultName {
		run += "-" + name
	}
	return instance{name: name, state: filepath.Join(stateDir, name), run: run}, nil
}

func (i instance) socket() string  { return filepath.Join(i.run, "engine.sock") }
func (i instance) address() string { return "unix://" + i.socket() }
func (i instance) record() string  { return filepath.Join(i.run, "instance.json") }
func (i instance) log() string     { return filepath.Join(i.state, "engine.log") }
func (i instance) lock() string    { return i.run + ".lock" }

// inUseMark is a file in the state that is there while an engine uses it, and
// after one that did not end as it should.
const inUseMark = "in-use"

func (i instance) inUse() string { return filepath.Join(i.state, inUseMark) }

// hold takes the instance for one command at a time.
func (i instance) hold(ctx context.Context, say buildcache.Progress) (func(), error) {
	return buildcache.Lock(ctx, i.lock(), func() { say.Sayf("waiting for another engine command…") })
}
