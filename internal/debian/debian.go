// Package debian installs programs of Debian's where they are missing, without
// starting the services that come with them.
package debian

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/subprocess"
)

// policy is what invoke-rc.d(8) asks before it starts a service.
const policy = "/usr/sbin/policy-rc.d"

// Installed says whether all programs are there, each a name in PATH or an
// absolute path.
func Installed(programs ...string) bool {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return false
		}
	}
	return true
}

// Install installs packages, and no service of theirs runs afterwards that did
// not run before.
func Install(ctx context.Context, packages ...string) error {
	names := strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fault.Failedf("missing: %s", names).Fix("install the like of them with this system's package manager")
	}
	allow, err := forbidServices(policy)
	if err != nil {
		return fault.Failedf("%s: %w", names, err).Fix("run it as root, or install them yourself")
	}
	defer allow()
	env := append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	for _, args := range [][]string{
		{"update", "--quiet=2"},
		append([]string{"install", "--quiet=2", "--yes", "--no-install-recommends"}, packages...),
	} {
		cmd := subprocess.Command(ctx, "apt-get", args...)
		cmd.Env = env
		if err := subprocess.Quietly(ctx, cmd); err != nil {
			return fault.Failedf("%s cannot be installed: %w", names, err).Fix("mend apt's sources, or install them yourself")
		}
	}
	return nil
}

// forbidServices makes the system refuse to start services, and gives the
// function that undoes it. A machine with a policy of its own keeps it.
func forbidServices(policy string) (undo func(), err error) {
	f, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString("#!/bin/sh\nexit 101\n") // 101: the action is forbidden
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(policy))
	}
	return func() { _ = os.Remove(policy) }, nil
}
