package contract

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/yamlfile"
)

// Field is what there is to know about a field of platform.yaml.
type Field struct {
	Path        string  `json:"path"` // as in spec.database.instances; empty for the whole file
	Type        string  `json:"type"` // in words
	Required    bool    `json:"required"`
	Description string  `json:"description"`
	Default     any     `json:"default,omitempty"`
	Allowed     string  `json:"allowed,omitempty"` // in words
	Examples    []any   `json:"examples,omitempty"`
	Fields      []Field `json:"fields,omitempty"` // those inside it, one level deep
}

var entry = regexp.MustCompile(`\[\d*\]`)

// Explain tells about the field at path, as in spec.ports.name; the number of a
// list's entry, as in spec.ports[0].name, makes no difference.
func Explain(path string) (Field, error) {
	var root jsonschema.Schema
	if err := json.Unmarshal(schema, &root); err != nil {
		return Field{}, err
	}
	at := &root
	f := about(&root, at, "")
	for _, name := range strings.FieldsFunc(entry.ReplaceAllString(path, ""), func(r rune) bool { return r == '.' }) {
		group := inside(&root, at)
		var names []string
		for p := group.Properties.Oldest(); p != nil; p = p.Next() {
			names = append(names, p.Key)
		}
		value, there := group.Properties.Get(name)
		switch {
		case there:
		case len(names) == 0 && group.AdditionalProperties != nil && group.Type == "object":
			value = group.AdditionalProperties
		default:
			return Field{}, unknown(&root, yamlfile.Join(f.Path, name), name, names)
		}
		at, f = value, about(&root, value, yamlfile.Join(f.Path, name))
		f.Required = slices.Contains(group.Required, name)
	}
	group := inside(&root, at)
	for p := group.Properties.Oldest(); p != nil; p = p.Next() {
		child := about(&root, p.Value, p.Key)
		child.Required = slices.Contains(group.Required, p.Key)
		f.Fields = append(f.Fields, child)
	}
	return f, nil
}

func unknown(root *jsonschema.Schema, path, name string, names []string) error {
	if len(names) == 0 {
		return fault.Inputf("%s: there are no fields in it", path)
	}
	guess := yamlfile.DidYouMean(name, names)
	if guess == "" && !strings.Contains(path, ".") { // spec is easily left out
		if spec, ok := root.Properties.Get("spec"); ok {
			if _, there := inside(root, spec).Properties.Get(name); there {
				guess = fmt.Sprintf(", did you mean spec.%s?", name)
			}
		}
	}
	return fault.Inputf("%s: unknown field%s (allowed: %s)", path, guess, strings.Join(names, ", "))
}

// resolve follows a reference into the definitions.
func resolve(root, s *jsonschema.Schema) *jsonschema.Schema {
	if name, isRef := strings.CutPrefix(s.Ref, "#/$defs/"); isRef {
		return root.Definitions[name]
	}
	return s
}

// inside gives the group whose fields are in s, or in the entries of s.
func inside(root, s *jsonschema.Schema) *jsonschema.Schema {
	s = resolve(root, s)
	if s.Items != nil {
		s = resolve(root, s.Items)
	}
	if s.Properties == nil {
		copied := *s
		copied.Properties = jsonschema.NewProperties()
		return &copied
	}
	return s
}

func about(root, s *jsonschema.Schema, path string) Field {
	whole := resolve(root, s)
	f := Field{
		Path: path, Type: kindOf(root, whole), Description: s.Description,
		Default: s.Default, Allowed: allowed(root, whole), Examples: s.Examples,
	}
	if f.Description == "" {
		f.Description = whole.Description
	}
	return f
}

func kindOf(root, s *jsonschema.Schema) string {
	switch {
	case len(s.AnyOf) > 0:
		var all []string
		for _, one := range s.AnyOf {
			all = append(all, kindOf(root, one))
		}
		return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
	case s.Type == "array":
		return "list of " + kindOf(root, resolve(root, s.Items))
	case s.Type == "object" && s.Properties == nil:
		return "names with values"
	}
	words := map[string]string{"object": "group of fields", "string": "text", "integer": "whole number", "boolean": "true or false"}
	if word, known := words[s.Type]; known {
		return word
	}
	return s.Type
}

// allowed says in words which values s takes.
func allowed(root, s *jsonschema.Schema) string {
	var all []string
	switch {
	case len(s.AnyOf) > 0:
		for _, one := range s.AnyOf {
			if words := allowed(root, one); words != "" {
				all = append(all, words)
			}
		}
		return strings.Join(all, ", or ")
	case s.Items != nil:
		if s.MinItems != nil || s.MaxItems != nil {
			all = append(all, entries(s))
		}
		if words := allowed(root, resolve(root, s.Items)); words != "" {
			all = append(all, "each "+words)
		}
	case len(s.Enum) > 0:
		for _, value := range s.Enum {
			all = append(all, fmt.Sprint(value))
		}
	case s.Minimum != "" && s.Maximum != "":
		all = append(all, fmt.Sprintf("%s to %s", s.Minimum, s.Maximum))
	case s.Minimum != "":
		all = append(all, fmt.Sprintf("at least %s", s.Minimum))
	}
	if s.MaxLength != nil {
		all = append(all, fmt.Sprintf("at most %d characters", *s.MaxLength))
	}
	if s.Pattern != "" {
		all = append(all, "what matches "+s.Pattern)
	}
	if s.PropertyNames != nil {
		all = append(all, "names that match "+s.PropertyNames.Pattern)
	}
	if len(s.OneOf) > 0 {
		var names []string
		for _, one := range s.OneOf {
			names = append(names, one.Required...)
		}
		all = append(all, "exactly one of "+strings.Join(names, " and "))
	}
	if s.Not != nil && s.Not.MultipleOf != "" {
		all = append(all, "odd")
	}
	return strings.Join(all, ", ")
}

func entries(s *jsonschema.Schema) string {
	switch {
	case s.MaxItems == nil:
		return fmt.Sprintf("at least %d entry", *s.MinItems)
	case s.MinItems == nil:
		return fmt.Sprintf("at most %d entries", *s.MaxItems)
	}
	return fmt.Sprintf("%d to %d entries", *s.MinItems, *s.MaxItems)
}
