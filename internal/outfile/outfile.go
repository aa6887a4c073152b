// Package outfile writes the files that a step leaves behind. It promises that
// a file is whole or is what it was before.
package outfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write puts content at path in one step, and makes the folder if there is none.
func Write(path string, content []byte) error { return write(path, content, 0o644) }

// WritePrivate is [Write] for what only the user may read.
func WritePrivate(path string, content []byte) error { return write(path, content, 0o600) }

func write(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // does nothing once it is renamed
	_, err = f.Write(content)
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
