package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// become lets pave go on: Windows has no exec, so this process waits for it. Both
// get Ctrl-C from the console.
func become(pave string, args []string) error {
	cmd := exec.Command(pave, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", pave, err)
	}
	return nil
}
