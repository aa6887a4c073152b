package strictyaml

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decoder fills Go values from a YAML tree. It goes on after a problem, so that
// one reading finds them all, and remembers where each value stands. Fields of
// structs are named by their yaml tag; of the jsonschema tag it heeds required,
// minItems and maxItems, so that the schema and the reader agree.
type Decoder struct {
	File     string
	Rules    Rules
	Problems Problems
	Places   map[string]Place // by path; made by Decode
}

// Rules are what the scalar types of a file know about their own values. Both
// functions may be nil.
type Rules struct {
	Check    func(value any) error // what is wrong with a scalar or a key by itself
	Verbatim func(value any) bool  // the type takes a number or a boolean as it is written
}

// Place is where a value stands, both from 1.
type Place struct{ Line, Column int }

// Decode fills into, a pointer to a struct, from the tree.
func (d *Decoder) Decode(root *yaml.Node, into any) {
	d.Places = map[string]Place{}
	d.value(root, reflect.ValueOf(into).Elem(), "")
}

// Conflict reports a problem at a path, in the place of the nearest field around
// it that the file has. The same problem is reported once.
func (d *Decoder) Conflict(path, format string, args ...any) {
	p := Problem{File: d.File, Path: path, Message: fmt.Sprintf(format, args...)}
	at := d.Places[d.Around(path)]
	p.Line, p.Column = at.Line, at.Column
	if !slices.Contains(d.Problems, p) {
		d.Problems = append(d.Problems, p)
	}
}

// Around gives path, or the innermost group or list with it that the file has.
func (d *Decoder) Around(path string) string {
	for path != "" {
		if _, ok := d.Places[path]; ok {
			return path
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return path
}

func (d *Decoder) check(value reflect.Value) error {
	if d.Rules.Check == nil {
		return nil
	}
	return d.Rules.Check(value.Interface())
}

func (d *Decoder) verbatim(value reflect.Value) bool {
	return d.Rules.Verbatim != nil && d.Rules.Verbatim(value.Interface())
}

// Report adds a problem at a node.
func (d *Decoder) Report(n *yaml.Node, path, format string, args ...any) {
	d.Problems = append(d.Problems, Problem{
		File: d.File, Line: n.Line, Column: n.Column, Path: path, Message: fmt.Sprintf(format, args...),
	})
}

func (d *Decoder) value(n *yaml.Node, into reflect.Value, path string) {
	d.Places[path] = Place{n.Line, n.Column}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		d.Report(n, path, "has no value: give it one or delete the line")
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

func (d *Decoder) object(n *yaml.Node, into reflect.Value, path string) {
	fields := fieldsOf(into.Type())
	if n.Kind != yaml.MappingNode {
		d.Report(n, path, "is %s: it needs fields (allowed: %s)", describe(n), strings.Join(names(fields), ", "))
		return
	}
	seen := d.entries(n, path, func(key, value *yaml.Node) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if i < 0 {
			d.Report(key, Join(path, key.Value), "unknown field%s (allowed: %s)", DidYouMean(key.Value, names(fields)), strings.Join(names(fields), ", "))
			return
		}
		if problem := fields[i].length(value); problem != "" {
			d.Report(value, Join(path, key.Value), "%s", problem)
			return
		}
		d.value(value, into.Field(fields[i].index), Join(path, key.Value))
	})
	for _, f := range fields {
		if f.required && !seen[f.name] {
			d.Report(n, Join(path, f.name), "is missing")
		}
	}
}

// entries visits the fields of a mapping, and reports keys that are given twice
// or are no plain text. It gives the keys that are there.
func (d *Decoder) entries(n *yaml.Node, path string, visit func(key, value *yaml.Node)) map[string]bool {
	first := map[string]int{}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			d.Report(key, path, "a field's name is %s: it must be text", describe(key))
			continue
		}
		if seen[key.Value] {
			d.Report(key, Join(path, key.Value), "is given twice, first on line %d", first[key.Value])
			continue
		}
		first[key.Value], seen[key.Value] = key.Line, true
		visit(key, n.Content[i+1])
	}
	return seen
}

func (d *Decoder) dictionary(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.Report(n, path, "is %s: it needs names with values", describe(n))
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	d.entries(n, path, func(key, value *yaml.Node) {
		k := reflect.New(into.Type().Key()).Elem()
		k.SetString(key.Value)
		if err := d.check(k); err != nil {
			d.Report(key, path, "%v", err)
		}
		v := reflect.New(into.Type().Elem()).Elem()
		d.value(value, v, Join(path, key.Value))
		into.SetMapIndex(k, v)
	})
}

func (d *Decoder) list(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.Report(n, path, "is %s: it needs a list", describe(n))
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, into.Index(i), Index(path, i))
	}
}

func (d *Decoder) scalar(n *yaml.Node, into reflect.Value, path string) {
	if problem := assign(n, into, d.verbatim(into)); problem != "" {
		d.Report(n, path, "%s", problem)
		return
	}
	if err := d.check(into); err != nil {
		d.Report(n, path, "%v", err)
	}
}

// assign sets a string, an int or a bool, or says why it cannot.
func assign(n *yaml.Node, into reflect.Value, asWritten bool) (problem string) {
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
		if n.Kind != yaml.ScalarNode || n.Tag != "!!str" && !asWritten {
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
