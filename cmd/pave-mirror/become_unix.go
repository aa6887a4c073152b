//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// become lets pave go on in this process.
func become(pave string, args []string) error {
	err := syscall.Exec(pave, append([]string{pave}, args...), os.Environ()) //nolint:gosec // G204: our own program
	return fmt.Errorf("start %s: %w", pave, err)
}
