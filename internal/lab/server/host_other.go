//go:build !linux

package server

import "syscall"

// dieWithParent has no counterpart here: only an orderly end stops the child.
func dieWithParent() *syscall.SysProcAttr { return nil }
