package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/debian"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/subprocess"
)

// defaultMirror leaves the choice to debootstrap, for hosts that do not name a mirror.
const defaultMirror = ""

// rootKey is the key of the Debian root. The mirror is not part of it: mirrors
// serve the same signed archive.
func rootKey() string {
	return buildcache.Key("root 1", DebianSuite, strings.Join(rootPackages, ","))
}

// buildRoot makes a Debian root file system in dir.
func buildRoot(ctx context.Context, mirror, dir string) error {
	if err := installDebootstrap(ctx); err != nil {
		return err
	}
	args := []string{"--variant=minbase", "--include=" + strings.Join(rootPackages, ","), DebianSuite, dir}
	named := "Debian's archive"
	if mirror != defaultMirror {
		args, named = append(args, mirror), mirror
	}
	cmd := subprocess.Command(ctx, "debootstrap", args...)
	// What debootstrap mounts in the root, and what it starts there, ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
	}
	if err := subprocess.Quietly(ctx, cmd); err != nil {
		return fault.Failedf("%w\n%s", err, debootstrapLog(dir)).Fix("see that %s can be reached, or name another with --debian-mirror", named)
	}
	return emptyFolders(dir, "var/cache/apt", "var/lib/apt/lists", "var/log")
}

// debootstrapLog gives the end of what the failed package manager in dir said.
func debootstrapLog(dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, "debootstrap", "debootstrap.log"))
	if err != nil {
		return ""
	}
	return subprocess.Tail(string(data), 10)
}

// emptyFolders removes what is in the folders, which only fills an image.
func emptyFolders(root string, folders ...string) error {
	for _, f := range folders {
		entries, err := filepath.Glob(filepath.Join(root, f, "*"))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := os.RemoveAll(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// installDebootstrap installs the one tool that is needed on the host.
func installDebootstrap(ctx context.Context) error {
	if debian.Installed("debootstrap") {
		return nil
	}
	return debian.Install(ctx, "debootstrap", "debian-archive-keyring", "gpgv")
}

// debianMirror gives the Debian archive that the host's own apt uses, so that a
// machine behind a mirror needs no second setting.
func debianMirror(ctx context.Context) string {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return defaultMirror
	}
	codename, ok := debianCodename(string(release))
	if !ok {
		return defaultMirror
	}
	targets, err := subprocess.Output(subprocess.Command(ctx, "apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"))
	if err != nil {
		return defaultMirror
	}
	return mirrorOf(targets, codename)
}

// debianCodename reads os-release(5); it is not ok for anything but Debian.
func debianCodename(osRelease string) (codename string, ok bool) {
	lines := bufio.NewScanner(strings.NewReader(osRelease))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch value = strings.Trim(value, `"`); key {
		case "ID":
			ok = value == "debian"
		case "VERSION_CODENAME":
			codename = value
		}
	}
	return codename, ok
}

// mirrorOf picks the site of the release's main archive from lines of
// "SITE RELEASE COMPONENT": third-party archives name other releases.
func mirrorOf(targets, codename string) string {
	for line := range strings.Lines(targets) {
		var site, release, component string
		if n, _ := fmt.Sscan(line, &site, &release, &component); n != 3 {
			continue
		}
		if component == "main" && (release == codename || release == "stable") && strings.HasPrefix(site, "http") {
			return site
		}
	}
	return defaultMirror
}
