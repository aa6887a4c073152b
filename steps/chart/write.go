package chart

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/pave-platform/pave/internal/fault"
)

// writeFile writes all of data or nothing.
func writeFile(path string, data []byte) (err error) {
	if path == "" {
		return fault.Inputf("no output file is given")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fault.Failedf("output: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".pave-*")
	if err != nil {
		return fault.Failedf("output: %w", err)
	}
	defer func() {
		if err != nil {
			err = fault.Failedf("output: %w", errors.Join(err, os.Remove(temporary.Name())))
		}
	}()
	_, err = temporary.Write(data)
	if err = errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
