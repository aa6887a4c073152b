package yamlfile

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder fills Go values from a YAML tree. It goes on after a problem, so that
// one reading finds them all, and remembers where each value stands.
type decoder struct {
	Form
	*File
}

func (d *decoder) report(n *yaml.Node, path, format string, args ...any) {
	d.Problems = append(d.Problems, Problem{
		File: d.Name, Line: n.Line, Column: n.Column, Path: path, Message: fmt.Sprintf(format, args...),
	})
}

func (d *decoder) value(n *yaml.Node, into reflect.Value, path string) {
	d.places[path] = place{n.Line, n.Column}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		d.report(n, path, "has no value: give it one or delete the line")
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(n, into.Elem(), path)
	case reflect.Struct:
		d.object(n, into, path)
	case reflect.Map:
		d.dictionary(n, into, path)
	case reflect.Slice:
		d.list(n, into, path)
	default:
		d.scalar(n, into, path)
	}
}

func (d *decoder) object(n *yaml.Node, into reflect.Value, path string) {
	fields := fieldsOf(into.Type())
	if n.Kind != yaml.MappingNode {
		d.report(n, path, "is %s: it needs fields (allowed: %s)", describe(n), strings.Join(names(fields), ", "))
		return
	}
	seen := d.entries(n, path, func(key, value *yaml.Node) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if i < 0 {
			d.report(key, Join(path, key.Value), "unknown field%s (allowed: %s)", DidYouMean(key.Value, names(fields)), strings.Join(names(fields), ", "))
			return
		}
		if problem := fields[i].length(value); problem != "" {
			d.report(value, Join(path, key.Value), "%s", problem)
			return
		}
		d.value(value, into.Field(fields[i].index), Join(path, key.Value))
	})
	for _, f := range fields {
		if f.required && !seen[f.name] {
			d.report(n, Join(path, f.name), "is missing")
		}
	}
}

// entries visits the fields of a mapping, and reports keys that are given twice
// or are no plain text. It gives the keys that are there.
func (d *decoder) entries(n *yaml.Node, path string, visit func(key, value *yaml.Node)) map[string]bool {
	first := map[string]int{}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			d.report(key, path, "a field's name is %s: it must be text", describe(key))
			continue
		}
		if seen[key.Value] {
			d.report(key, Join(path, key.Value), "is given twice, first on line %d", first[key.Value])
			continue
		}
		first[key.Value], seen[key.Value] = key.Line, true
		visit(key, n.Content[i+1])
	}
	return seen
}

func (d *decoder) dictionary(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.report(n, path, "is %s: it needs names with values", describe(n))
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	d.entries(n, path, func(key, value *yaml.Node) {
		k := reflect.New(into.Type().Key()).Elem()
		k.SetString(key.Value)
		if err := d.Valid(k.Interface()); err != nil {
			d.report(key, path, "%v", err)
		}
		v := reflect.New(into.Type().Elem()).Elem()
		d.value(value, v, Join(path, key.Value))
		into.SetMapIndex(k, v)
	})
}

func (d *decoder) list(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.report(n, path, "is %s: it needs a list", describe(n))
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, into.Index(i), Index(path, i))
	}
}

func (d *decoder) scalar(n *yaml.Node, into reflect.Value, path string) {
	if problem := d.assign(n, into); problem != "" {
		d.report(n, path, "%s", problem)
		return
	}
	if err := d.Valid(into.Interface()); err != nil {
		d.report(n, path, "%v", err)
	}
}

// assign sets a string, an int or a bool, or says why it cannot.
func (d *decoder) assign(n *yaml.Node, into reflect.Value) (problem string) {
	switch into.Kind() {
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Value != "true" && n.Value != "false" {
			return fmt.Sprintf("is %s: it must be true or false", describe(n))
		}
		into.SetBool(n.Value == "true")
	case reflect.Int:
		number, err := strconv.Atoi(n.Value)
		if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil {
			return fmt.Sprintf("is %s: it must be a whole number", describe(n))
		}
		into.SetInt(int64(number))
	default:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!str" && (d.AsWritten == nil || !d.AsWritten(into.Interface())) {
			return fmt.Sprintf("is %s: it must be text%s", describe(n), quoted(n))
		}
		into.SetString(n.Value)
	}
	return ""
}

func quoted(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return ""
	}
	return fmt.Sprintf(", write %q", n.Value)
}

// describe names what a node is, in the words of a person.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of fields"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!str":
		return "the text " + strconv.Quote(n.Value)
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!bool":
		return "the boolean " + n.Value
	case "!!timestamp":
		return "the date " + n.Value
	}
	return "the value " + strconv.Quote(n.Value)
}

type field struct {
	name     string
	index    int
	required bool
	least    int // of a list's entries
	most     int // 0: any number
}

func (f field) length(n *yaml.Node) (problem string) {
	entries := len(n.Content)
	switch {
	case n.Kind != yaml.SequenceNode:
	case entries < f.least:
		return "is an empty list: give it an entry or delete the line"
	case f.most > 0 && entries > f.most:
		return fmt.Sprintf("is a list of %d entries, at most %d are allowed", entries, f.most)
	}
	return ""
}

func fieldsOf(t reflect.Type) []field {
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		f := field{name: tag.Get("yaml"), index: i}
		for _, word := range strings.Split(tag.Get("jsonschema"), ",") {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case "required":
				f.required = true
			case "minItems":
				f.least, _ = strconv.Atoi(value)
			case "maxItems":
				f.most, _ = strconv.Atoi(value)
			}
		}
		fields = append(fields, f)
	}
	return fields
}

func names(fields []field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return all
}
