package imagelist

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write images.schema.json")

func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	got := generate(t)
	if *update {
		if err := os.WriteFile("images.schema.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(Schema()), string(got)); diff != "" {
		t.Errorf("images.schema.json is stale, write it with go generate:\n%s", diff)
	}
}

func TestEveryFieldIsDescribed(t *testing.T) {
	var document jsonschema.Schema
	if err := json.Unmarshal(generate(t), &document); err != nil {
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

// TestTheSchemaAgreesWithTheReader holds every file of the reader's own tests
// against the schema, but those about what lies between two entries.
func TestTheSchemaAgreesWithTheReader(t *testing.T) {
	document, err := validator.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	if err := c.AddResource(SchemaURL, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(SchemaURL)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range good {
		if err := s.Validate(tree(t, file)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range bad {
		if !c.between && !c.broken && s.Validate(tree(t, c.file)) == nil {
			t.Errorf("%s: the schema lets it pass", name)
		}
	}
}

func tree(t *testing.T, file string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(file), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// generate gives the schema of the Go types, with their comments.
func generate(t *testing.T) []byte {
	t.Helper()
	r := jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true, FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Mapper: scalarSchema,
	}
	if err := r.AddGoComments("github.com/pave-platform/pave/steps/mirror/imagelist", "."); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(List{})
	s.ID, s.Title = SchemaURL, "images.yaml"
	for _, way := range [][2][]string{ // what must be there, and what must not
		{{"tags"}, {"versions", "digest", "variant", "newest", "as"}},
		{{"versions"}, {"tags", "digest", "as"}},
		{{"digest", "as"}, {"tags", "versions", "variant", "newest"}},
	} {
		others := &jsonschema.Schema{}
		for _, field := range way[1] {
			others.AnyOf = append(others.AnyOf, &jsonschema.Schema{Required: []string{field}})
		}
		s.Definitions["Entry"].OneOf = append(s.Definitions["Entry"].OneOf, &jsonschema.Schema{Required: way[0], Not: others})
	}
	entry, signer := s.Definitions["Entry"], s.Definitions["Signer"]
	entry.Not = &jsonschema.Schema{Required: []string{"publicKey", "signer"}}
	entry.DependentRequired = map[string][]string{"trustedRoot": {"signer"}}
	for _, field := range []string{"subject", "subjectPattern"} {
		signer.OneOf = append(signer.OneOf, &jsonschema.Schema{Required: []string{field}})
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

// scalarSchema says in the schema's words what a type's rule allows.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	switch v := reflect.Zero(t).Interface().(type) {
	case choice:
		s := &jsonschema.Schema{Type: "string"}
		for _, allowed := range v.choices() {
			s.Enum = append(s.Enum, allowed)
		}
		return s
	case interface{ bounds() (low, high int) }:
		low, high := v.bounds()
		return &jsonschema.Schema{Type: "integer", Minimum: json.Number(strconv.Itoa(low)), Maximum: json.Number(strconv.Itoa(high))}
	case Tag:
		s := pattern(tagForm, 0)
		s.Not = &jsonschema.Schema{Pattern: legacyForm.String()}
		return s
	case KeyFile, RootFile:
		return &jsonschema.Schema{Type: "string", Pattern: `^[^/\\\n][^\\\n]*$`, Not: &jsonschema.Schema{Pattern: `^\.\.(/|$)`}}
	case rule:
		text, known := map[reflect.Type]struct {
			form *regexp.Regexp
			most uint64
		}{
			reflect.TypeFor[Name]():     {repositoryForm, maxRepository},
			reflect.TypeFor[Source]():   {sourceForm, 0},
			reflect.TypeFor[Target]():   {sourceForm, 0},
			reflect.TypeFor[Digest]():   {digestForm, 0},
			reflect.TypeFor[Platform](): {platformForm, 0},
			reflect.TypeFor[Range]():    {rangeForm, 0},
			reflect.TypeFor[Note]():     {nil, maxNote},
			reflect.TypeFor[Issuer]():   {issuerForm, maxIdentity},
			reflect.TypeFor[Subject]():  {subjectForm, maxIdentity},
			reflect.TypeFor[Pattern]():  {someForm, maxIdentity},
		}[t]
		if !known {
			panic(t.String() + " has a rule that the schema does not know")
		}
		return pattern(text.form, text.most)
	}
	return nil
}

// someForm is as much as a pattern can say of a pattern.
var someForm = regexp.MustCompile(`.`)

// rangeForm is as much as a pattern can say of a range.
var rangeForm = regexp.MustCompile(`[0-9*xX]`)

func pattern(form *regexp.Regexp, most uint64) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	if form != nil {
		s.Pattern = form.String()
	}
	if most > 0 {
		s.MaxLength = &most
	}
	return s
}
