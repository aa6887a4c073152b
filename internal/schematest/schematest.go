// Package schematest makes the JSON Schema of a file format from its Go types,
// and tests the committed one. It promises that types, comments and schema say
// the same.
package schematest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
)

var update = flag.Bool("update", false, "write the schema")

// Format is a format of files. The schema of platform.yaml is committed as
// platform.schema.json, beside the types.
type Format struct {
	URL    string                                // where the schema is published
	Root   any                                   // the type of a whole file
	Scalar func(reflect.Type) *jsonschema.Schema // what a type's rule allows; nil for a group of fields and for a list
	Refine func(*jsonschema.Schema)              // adds what the types do not say; nil: nothing
}

// IsThatOfTheTypes compares the committed schema with that of the types, or
// writes it, with -update.
func (f Format) IsThatOfTheTypes(t *testing.T, committed []byte) {
	t.Helper()
	file, got := path.Base(f.URL), f.generate(t)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(committed), string(got)); diff != "" {
		t.Errorf("%s is stale, write it with go generate:\n%s", file, diff)
	}
}

// DescribesEveryField fails for a field without a comment.
func (f Format) DescribesEveryField(t *testing.T) {
	t.Helper()
	var document jsonschema.Schema
	if err := json.Unmarshal(f.generate(t), &document); err != nil {
		t.Fatal(err)
	}
	for name, s := range document.Definitions {
		for field := s.Properties.Oldest(); field != nil; field = field.Next() {
			if field.Value.Description == "" {
				t.Errorf("%s.%s has no comment", name, field.Key)
			}
		}
	}
}

// generate gives the schema of the Go types, with their comments.
func (f Format) generate(t *testing.T) []byte {
	t.Helper()
	r := jsonschema.Reflector{
		Anonymous:                  true,
		ExpandedStruct:             true,
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		Mapper:                     f.Scalar,
	}
	if err := r.AddGoComments(reflect.TypeOf(f.Root).PkgPath(), "."); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(f.Root)
	s.ID = jsonschema.ID(f.URL)
	s.Title = strings.TrimSuffix(path.Base(f.URL), ".schema.json") + ".yaml"
	if f.Refine != nil {
		f.Refine(s)
	}
	compact, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	if err := json.Indent(&all, compact, "", "  "); err != nil {
		t.Fatal(err)
	}
	all.WriteByte('\n')
	return all.Bytes()
}

// Choice is text of which only a few are allowed.
func Choice(allowed []string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, a := range allowed {
		s.Enum = append(s.Enum, a)
	}
	return s
}

// Whole is a whole number between two, or one of them.
func Whole(low, high int) *jsonschema.Schema {
	return &jsonschema.Schema{
		Type: "integer", Minimum: json.Number(strconv.Itoa(low)), Maximum: json.Number(strconv.Itoa(high)),
	}
}

// Pattern is text of a form, nil for any, and of at most so many characters, 0
// for any number.
func Pattern(form *regexp.Regexp, most int) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	if form != nil {
		s.Pattern = form.String()
	}
	if most > 0 {
		length := uint64(most)
		s.MaxLength = &length
	}
	return s
}

// Texts are the types of which [Pattern] says everything, or as much as a schema
// can.
type Texts map[reflect.Type]struct {
	Form *regexp.Regexp
	Most int
}

// Of gives the schema of a type that has a rule. It panics for one that is not
// among them: a rule was added, and the schema does not know it.
func (ts Texts) Of(t reflect.Type) *jsonschema.Schema {
	text, known := ts[t]
	if !known {
		panic(t.String() + " has a rule that the schema does not know")
	}
	return Pattern(text.Form, text.Most)
}
