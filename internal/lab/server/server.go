// Package server runs the programs of a lab. A server ends with the program
// that started it, however that ends.
package server

import (
	"context"
	"fmt"
	"io"
	"os"
)

// Spec says what to run. Nothing of this program's environment reaches it.
type Spec struct {
	Name string   // what people know it by
	Path string   // the program
	Args []string // without the name
	Env  []string // KEY=value
	Dir  string   // working folder; empty: this program's
	Log  string   // file for what it says, appended to

	// It is ready when it answers 200 at URL, or accepts connections at Address
	// where it has no URL; with neither, at once.
	URL, Address string
}

// Process is a server that was started.
type Process interface {
	// Ended is an error, with the end of what the server said, once it is gone.
	Ended() error
	// Done is closed when it is gone.
	Done() <-chan struct{}
	// Kill kills it and waits until it is gone.
	Kill() error
}

// Runner starts servers somewhere.
type Runner interface {
	Run(ctx context.Context, s Spec) (Process, error)
}

const tailBytes = 3 << 10

// Tail gives the end of the log file, for a message.
func Tail(log string) string {
	f, err := os.Open(log)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// EndedError says that a server ended, how, and what it said last.
func EndedError(s Spec, status string) error {
	return fmt.Errorf("%s ended: %s\n%s", s.Name, status, Tail(s.Log))
}
