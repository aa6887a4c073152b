// Command pave-mirror is pave mirror without pave's scanner and signer: a small
// program that starts at once, for what runs every few minutes and mostly finds
// nothing to do, and for the far side of an air gap. Where something must be
// scanned, signed or verified it becomes pave, with the same arguments.
package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	_ "golang.org/x/crypto/x509roots/fallback" // an empty container has no system roots

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/cli/mirrorcmd"
	"github.com/pave-platform/pave/internal/fault"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, become))
}

// run hands over to next, with pave's path and arguments, what takes more than is
// here.
func run(args []string, stdout, stderr io.Writer, next func(pave string, args []string) error) int {
	return cli.Main("pave-mirror", args, stdout, stderr, func(a *cli.App) *cobra.Command {
		root := mirrorcmd.Command(a, nil)
		root.Use = "pave-mirror"
		root.Long += `

This program has no scanner and no signer. A run that finds nothing to copy, a
status, and whatever is given --no-scan and --no-sign needs neither; for the rest
it starts the pave beside it, or on the PATH, with the same arguments.`
		handOver(root, args, next)
		return cli.Root(a, root)
	})
}

// handOver lets every command that ends with ErrElsewhere go on as pave.
func handOver(cmd *cobra.Command, args []string, next func(pave string, args []string) error) {
	for _, c := range cmd.Commands() {
		handOver(c, args, next)
	}
	here := cmd.RunE
	if here == nil {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, positional []string) error {
		err := here(cmd, positional)
		if !errors.Is(err, mirrorcmd.ErrElsewhere) {
			return err
		}
		pave, err := find()
		if err != nil {
			return err
		}
		return next(pave, append([]string{"mirror"}, args...))
	}
}

// find looks for pave beside this program, then on the PATH.
func find() (string, error) {
	name := "pave"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fault.Inputf("this takes a scan or a signature, and there is no pave beside pave-mirror or on the PATH").
			Fix("put pave there, or give --no-scan and --no-sign")
	}
	return path, nil
}
