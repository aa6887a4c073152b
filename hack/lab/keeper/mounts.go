package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// private are the system folders that a server may write to. What is written
// there is kept in memory, seen in this lab only, and goes away with it. Some
// programs use files of fixed names in /tmp, where two labs would meet.
var private = []string{"/etc", "/run", "/var/lib", "/var/log", "/var/tmp", "/tmp"}

// mounts makes what is mounted from here on invisible outside, and gives the
// lab folders of its own over the machine's. The lab's folder itself, which may
// be below one of them, stays the machine's.
func mounts(dir string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	layers := filepath.Join(dir, "layers")
	if err := os.MkdirAll(layers, 0o700); err != nil {
		return err
	}
	lab, err := syscall.Open(dir, oPath|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	defer func() { _ = syscall.Close(lab) }()
	if err := syscall.Mount("tmpfs", layers, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=0700"); err != nil {
		return fmt.Errorf("mount %s: %w", layers, err)
	}
	// The one that hides the lab's folder comes last.
	targets := slices.Clone(private)
	slices.SortStableFunc(targets, func(a, b string) int { return hides(a, dir) - hides(b, dir) })
	for i, target := range targets {
		if err := overlay(filepath.Join(layers, fmt.Sprint(i)), target); err != nil {
			return err
		}
	}
	if err := syscall.Mount(fmt.Sprintf("/proc/self/fd/%d", lab), dir, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	// A node mounts volumes that its containers are to see.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("shared mounts: %w", err)
	}
	return nil
}

// hides is 1 if something mounted on target hides dir.
func hides(target, dir string) int {
	if strings.HasPrefix(dir, target+"/") {
		return 1
	}
	return 0
}

// oPath opens a folder only to name it (O_PATH, which package syscall lacks).
const oPath = 0x200000

// overlay mounts on target a copy of it, whose changes are kept below changes.
func overlay(changes, target string) error {
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	upper, work := filepath.Join(changes, "upper"), filepath.Join(changes, "work")
	if err := errors.Join(os.MkdirAll(upper, 0o755), os.Mkdir(work, 0o755), os.Chmod(upper, info.Mode())); err != nil {
		return err
	}
	options := "lowerdir=" + target + ",upperdir=" + upper + ",workdir=" + work
	if err := syscall.Mount("overlay", target, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount an overlay on %s: %w", target, err)
	}
	return nil
}
