// Keeper holds the processes of one lab, and sees to it that none of them, nor
// a mount, a control group or a file of theirs, is left when the lab ends.
//
// It is two processes. The outer one is an ordinary process of the machine: it
// waits until the lab's program has let go of the life line, by intent or
// because it was killed, then kills the inner one, and clears up. The inner one
// is the first process in namespaces of its own, so that with it the kernel
// ends whatever runs, is mounted or listens in them; it starts the lab's
// servers when it is told to. It imports only the standard library, to be small.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// The life line is the first of the files that the lab's program hands over;
// the lock on the folder, which is held as long as a keeper has it open, is the
// second.
const (
	lifeLineFile = 3
	lockFile     = 4
)

const (
	innerRole = "inner"
	sweepRole = "sweep" // clear up behind keepers that were killed
)

func main() {
	dir := flag.String("dir", "", "the lab's folder, removed at the end")
	group := flag.String("cgroup", "", "name of the lab's control groups, removed at the end")
	flag.Parse()
	var err error
	switch flag.Arg(0) {
	case innerRole:
		err = inner(*dir)
	case sweepRole:
		err = cleanUp(*dir, *group)
	default:
		err = outer(*dir, *group)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "keeper:", err)
		os.Exit(1)
	}
}

// outer starts the inner keeper, waits for the end and clears up.
func outer(dir, group string) error {
	// A terminal's Ctrl-C is for the lab's program, which then lets go. The
	// signals are caught, since the servers would inherit it if they were ignored.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends, not the process
	in := exec.CommandContext(context.Background(), "/proc/self/exe", "-dir", dir, innerRole)
	in.Stdin, in.Stdout, in.Stderr = os.Stdin, os.Stdout, os.Stderr
	in.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := in.Start(); err != nil {
		return errors.Join(err, cleanUp(dir, group))
	}
	go func() {
		_, _ = os.NewFile(lifeLineFile, "life line").Read(make([]byte, 1)) // nobody writes: it returns at the end
		_ = in.Process.Kill()
	}()
	_ = in.Wait() // killed, as a rule; the kernel waits for all in its namespace
	return cleanUp(dir, group)
}

// cleanUp removes what namespaces do not take with them.
func cleanUp(dir, group string) error {
	var all []error
	if group != "" {
		for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} { // version 2, version 1
			found, err := filepath.Glob(pattern + group)
			all = append(all, err)
			for _, f := range found {
				all = append(all, removeGroup(f))
			}
		}
	}
	if dir != "" {
		all = append(all, os.RemoveAll(dir))
	}
	return errors.Join(all...)
}

// removeGroup removes an empty control group and those in it: only folders can
// be removed there.
func removeGroup(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeGroup(filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
	}
	for range 100 { // of a killed keeper's processes some may not be gone yet
		if err = syscall.Rmdir(path); !errors.Is(err, syscall.EBUSY) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}
