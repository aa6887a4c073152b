package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the size of the largest file that is read.
const MaxBytes = 1 << 20

// document gives the one YAML document in data as a tree that is safe to walk:
// of limited depth, without aliases.
func (f Form) document(file string, data []byte) (*yaml.Node, Problems) {
	at := func(line, column int, format string, args ...any) Problems {
		return Problems{{File: file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}}
	}
	switch {
	case len(data) > MaxBytes:
		return nil, at(1, 1, "the file is larger than %d bytes", MaxBytes)
	case len(bytes.TrimSpace(data)) == 0:
		return nil, at(1, 1, "the file is empty: it needs at least %s", f.Needs)
	}
	if line, column, found := notText(data); found {
		return nil, at(line, column, "this is not a text file in UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	first, err := next(decoder)
	if errors.Is(err, io.EOF) {
		return nil, at(1, 1, "the file holds only comments: it needs at least %s", f.Needs)
	}
	if err != nil {
		line, column, message := syntax(data, err)
		return nil, at(line, column, "this is not YAML: %s", message)
	}
	second, err := next(decoder)
	switch {
	case errors.Is(err, io.EOF):
	case err != nil:
		line, column, message := syntax(data, err)
		return nil, at(line, column, "this is not YAML: %s", message)
	default:
		return nil, at(second.Line, second.Column, "a second document starts here: write one %s per file", f.Describes)
	}
	root := first.Content[0]
	if ps := forbidden(file, root, "", 0, nil); len(ps) > 0 {
		return nil, ps
	}
	return root, nil
}

// next reads one document. The YAML parser reports some broken input by a panic
// of its own; such input is bad input here like any other.
func next(d *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, fmt.Errorf("yaml: %v", r)
		}
	}()
	doc = new(yaml.Node)
	if err := d.Decode(doc); err != nil {
		return nil, err
	}
	return doc, nil
}

func notText(data []byte) (line, column int, found bool) {
	line, column = 1, 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 || r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return line, column, true
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		data = data[size:]
	}
	return 0, 0, false
}

// maxDepth is several times what the contract needs.
const maxDepth = 32

// forbidden finds what makes YAML mean something else than it shows.
func forbidden(file string, n *yaml.Node, path string, depth int, ps Problems) Problems {
	add := func(message string) Problems {
		return append(ps, Problem{File: file, Line: n.Line, Column: n.Column, Path: path, Message: message})
	}
	switch {
	case depth > maxDepth:
		return add(fmt.Sprintf("nested deeper than %d levels", maxDepth))
	case n.Kind == yaml.AliasNode:
		return add(fmt.Sprintf("the alias *%s is not allowed: write the value out", n.Value))
	case n.Anchor != "":
		return add(fmt.Sprintf("the anchor &%s is not allowed: write the value out where it is needed", n.Anchor))
	case n.Style&yaml.TaggedStyle != 0:
		return add(fmt.Sprintf("the tag %s is not allowed: write the plain value", n.Tag))
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			ps = forbidden(file, key, Join(path, key.Value), depth+1, ps)
			ps = forbidden(file, n.Content[i+1], Join(path, key.Value), depth+1, ps)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			ps = forbidden(file, item, Index(path, i), depth+1, ps)
		}
	}
	return ps
}

// Join gives the path of a field of what is at path.
func Join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

// Index gives the path of an item of the list at path.
func Index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
