package yamlfile

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// maxExplained is the size up to which a broken file is read a second time.
const maxExplained = 64 << 10

// syntax gives the place and the cause of the error err that reading data met.
// The library that reads the file knows a line at best, and often that of the
// block's start; the second one knows the token, but accepts some files that
// the first refuses.
func syntax(data []byte, err error) (line, column int, message string) {
	if len(data) <= maxExplained && !deep(data) {
		if line, column, message, ok := token(data); ok {
			return line, column, message
		}
	}
	return lineOf(data, strings.TrimPrefix(err.Error(), "yaml: "))
}

// deep tells whether data nests further in brackets, or in dashes on one line,
// than any contract. The second library takes time with the square of that depth.
func deep(data []byte) bool {
	for line := range bytes.Lines(data) {
		if bytes.Count(line, []byte("- ")) > maxDepth {
			return true
		}
	}
	depth := 0
	for _, c := range data {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		if depth > maxDepth {
			return true
		}
	}
	return false
}

func token(data []byte) (line, column int, message string, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false // the file is refused anyway, with less to say about it
		}
	}()
	_, err := parser.ParseBytes(data, 0)
	explained, ok := errors.AsType[yaml.Error](err)
	if !ok || explained.GetToken() == nil || explained.GetToken().Position == nil {
		return 0, 0, "", false
	}
	at := explained.GetToken().Position
	return max(at.Line, 1), max(at.Column, 1), explained.GetMessage(), true
}

var yamlLine = regexp.MustCompile(`^(?:line )?(\d+): (.*)$`)

// lineOf gives the first character that is not a space in the line that message
// begins with.
func lineOf(data []byte, message string) (int, int, string) {
	line := 1
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line, message = n, m[2]
		}
	}
	lines := bytes.Split(data, []byte("\n"))
	line = min(max(line, 1), len(lines))
	text := lines[line-1]
	return line, len(text) - len(bytes.TrimLeft(text, " \t")) + 1, message
}
