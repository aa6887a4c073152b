// Package fault gives an error the kind that decides pave's exit code, and the
// remedy that a person reads with it.
package fault

import (
	"errors"
	"fmt"
)

// Kind says whose turn it is after an error.
type Kind int

// The kinds are pave's exit codes.
const (
	Failed Kind = 1 // the outside world failed: network, registry, disk
	Input  Kind = 2 // the caller gave something wrong: a flag, a file, a field
	Gate   Kind = 3 // everything worked and the answer is no: threshold, signature, policy
)

// Error is an error with a kind and, where there is one, a way out.
type Error struct {
	Kind   Kind
	Err    error
	Remedy string // an imperative sentence without a full stop, or empty
}

// Error gives the cause and, behind a semicolon, the remedy.
func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + "; " + e.Remedy
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fix sets the remedy and returns e, so that it can follow a constructor.
func (e *Error) Fix(format string, args ...any) *Error {
	e.Remedy = fmt.Sprintf(format, args...)
	return e
}

// Failedf makes an error of kind Failed; the format takes %w.
func Failedf(format string, args ...any) *Error { return newf(Failed, format, args...) }

// Inputf makes an error of kind Input; the format takes %w.
func Inputf(format string, args ...any) *Error { return newf(Input, format, args...) }

// Gatef makes an error of kind Gate; the format takes %w.
func Gatef(format string, args ...any) *Error { return newf(Gate, format, args...) }

func newf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Err: fmt.Errorf(format, args...)}
}

// KindOf finds the kind of the outermost Error in err's chain; an error
// without one is Failed.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Failed
}
