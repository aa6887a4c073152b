package strictyaml

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is a field of a struct as the file knows it.
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
