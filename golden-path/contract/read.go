package contract

import (
	"path/filepath"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// Problem is one thing that is wrong with a file.
type Problem = yamlfile.Problem

// Problems is everything that is wrong with a file, in the file's order.
type Problems = yamlfile.Problems

// form is what every platform.yaml has in common.
var form = yamlfile.Form{
	Needs:     "apiVersion, kind, metadata and spec",
	Describes: "application",
	Valid: func(value any) error {
		if r, ok := value.(rule); ok {
			return r.valid()
		}
		return nil
	},
	AsWritten: func(value any) bool {
		_, ok := value.(verbatim)
		return ok
	},
}

// Read reads and checks the file at path. The error of an invalid file is a
// fault.Input around [Problems].
func Read(path string, options ...Option) (*Application, error) {
	data, err := yamlfile.Load(path, "write one with `pave contract init`")
	if err != nil {
		return nil, err
	}
	return Parse(filepath.ToSlash(path), data, options...)
}

// Parse checks data, which came from the file of the given name.
func Parse(file string, data []byte, options ...Option) (*Application, error) {
	var a Application
	read, err := form.Read(file, data, &a)
	if err != nil {
		return nil, err
	}
	d := decoder{File: read}
	for _, option := range options {
		option(&d.known)
	}
	d.check(&a)
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &a, nil
}
