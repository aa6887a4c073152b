// Package secret reads a secret from where it may stand: a file or an
// environment variable, never a command line.
package secret

import (
	"bytes"
	"os"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// Source names where a secret stands. At most one field is set; with none the
// secret is absent.
type Source struct {
	File string // a path
	Env  string // the NAME of an environment variable
}

// IsZero tells whether no source is named.
func (s Source) IsZero() bool { return s == Source{} }

// Read gives the secret without trailing line ends. An absent secret is nil
// without an error; a named one that is missing or empty is an input error.
func (s Source) Read() ([]byte, error) {
	switch {
	case s.IsZero():
		return nil, nil
	case s.File != "" && s.Env != "":
		return nil, fault.Inputf("a secret is named both as file %s and as environment variable %s", s.File, s.Env).Fix("give one of the two")
	case s.File != "":
		b, err := os.ReadFile(s.File)
		if err != nil {
			return nil, fault.Inputf("secret file: %w", err)
		}
		if b = bytes.TrimRight(b, "\r\n"); len(b) == 0 {
			return nil, fault.Inputf("secret file %s is empty", s.File)
		}
		return b, nil
	default:
		v := strings.TrimRight(os.Getenv(s.Env), "\r\n")
		if v == "" {
			return nil, fault.Inputf("environment variable %s is empty or not set", s.Env).Fix("give the variable's NAME, and set it to the secret")
		}
		return []byte(v), nil
	}
}
