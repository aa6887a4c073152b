package contract

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/strictyaml"
)

// Read reads and checks the file at path. The error of an invalid file is a
// fault.Input around [Problems].
func Read(path string, options ...Option) (*Application, error) {
	data, err := readLimited(path)
	if err != nil {
		return nil, err
	}
	return Parse(filepath.ToSlash(path), data, options...)
}

// Parse checks data, which came from the file of the given name.
func Parse(file string, data []byte, options ...Option) (*Application, error) {
	root, problems := strictyaml.Document(file, data, wholeFile)
	if len(problems) > 0 {
		return nil, fault.Inputf("%w", problems)
	}
	var a Application
	d := newDecoder(file)
	for _, option := range options {
		option(&d.known)
	}
	d.Decode(root, &a)
	d.check(&a)
	if len(d.Problems) > 0 {
		d.Problems.Sort()
		return nil, fault.Inputf("%w", d.Problems)
	}
	return &a, nil
}

// readLimited reads one byte more than is allowed, so that [strictyaml.Document] sees a
// file that is too large without taking it into memory.
func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Inputf("%s does not exist", path).Fix("write one with `pave contract init`")
	}
	if err != nil {
		return nil, fault.Inputf("%w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fault.Inputf("%w", err)
	}
	return data, nil
}
