// Package yamlfile reads the YAML files that people write for the platform into
// Go types. It promises that a file is answered with everything that is wrong
// with it at once, each with file, line, column, path, the cause and what is
// allowed instead.
//
// A field's yaml tag is its name in the file; its jsonschema tag says "required"
// where the file must have it, and minItems and maxItems of a list. Fields are
// strings, ints, bools, structs, pointers, slices and maps with a string as key.
package yamlfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// Form is what the files of one kind have in common.
type Form struct {
	Needs     string                // fields without which there is no file, for a person
	Describes string                // what one file describes, as in application
	Valid     func(value any) error // the rule of a scalar's type: nil, or what is wrong and what is allowed
	AsWritten func(value any) bool  // whether a scalar's type takes numbers and booleans as they are written; nil: none does
}

// File is a file that was read.
type File struct {
	Name     string // as the problems show it
	Problems Problems
	places   map[string]place // by path
}

type place struct{ line, column int }

// Load gives the content of the file at path, of which [Form.Read] refuses what
// is larger than [MaxBytes]. The remedy is for a file that does not exist.
func Load(path, remedy string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Inputf("%s does not exist", path).Fix("%s", remedy)
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

// Read fills into, a pointer to a struct, from data, which came from the file of
// the given name. The error is a fault.Input around [Problems] if there is no
// document to fill it from; what is wrong with the document is in the result.
func (f Form) Read(name string, data []byte, into any) (*File, error) {
	root, problems := f.document(name, data)
	if len(problems) > 0 {
		return nil, fault.Inputf("%w", problems)
	}
	d := decoder{Form: f, File: &File{Name: name, places: map[string]place{}}}
	d.value(root, reflect.ValueOf(into).Elem(), "")
	return d.File, nil
}

// Err gives the problems, in the file's order, as a fault.Input, or nil.
func (f *File) Err() error {
	if len(f.Problems) == 0 {
		return nil
	}
	f.Problems.sort()
	return fault.Inputf("%w", f.Problems)
}

// Conflict reports a problem at a path, in the place of the nearest field around
// it that the file has.
func (f *File) Conflict(path, format string, args ...any) {
	p := Problem{File: f.Name, Path: path, Message: fmt.Sprintf(format, args...)}
	at := f.places[f.Around(path)]
	p.Line, p.Column = at.line, at.column
	if !slices.Contains(f.Problems, p) {
		f.Problems = append(f.Problems, p)
	}
}

// Has tells whether the file has a value at path, valid or not.
func (f *File) Has(path string) bool {
	_, ok := f.places[path]
	return ok
}

// At says where path is, or the innermost group or list with it that the file
// has, as FILE:LINE:COLUMN.
func (f *File) At(path string) string {
	at := f.places[f.Around(path)]
	return fmt.Sprintf("%s:%d:%d", f.Name, at.line, at.column)
}

// Around gives path, or the innermost group or list with it that the file has.
func (f *File) Around(path string) string {
	for path != "" {
		if _, ok := f.places[path]; ok {
			return path
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return path
}
