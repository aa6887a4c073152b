package chart

import (
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

// writeFile writes all of data or nothing.
func writeFile(path string, data []byte) error {
	if path == "" {
		return fault.Inputf("no output file is given")
	}
	if err := outfile.Write(path, data); err != nil {
		return fault.Failedf("output: %w", err)
	}
	return nil
}
