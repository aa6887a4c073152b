package imagelist

import (
	"reflect"
	"regexp"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/pave-platform/pave/internal/schematest"
)

var format = schematest.Format{URL: SchemaURL, Root: List{}, Scalar: scalarSchema, Refine: oneWay}

func TestTheSchemaIsThatOfTheTypes(t *testing.T) { format.IsThatOfTheTypes(t, Schema()) }

func TestEveryFieldIsDescribed(t *testing.T) { format.DescribesEveryField(t) }

// TestTheSchemaAgreesWithTheReader holds every file of the reader's own tests
// against the schema, but those about what lies between two entries.
func TestTheSchemaAgreesWithTheReader(t *testing.T) {
	validate := schematest.Validator(t, SchemaURL, Schema())
	for name, file := range good {
		if err := validate([]byte(file)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range bad {
		if !c.between && validate([]byte(c.file)) == nil {
			t.Errorf("%s: the schema lets it pass", name)
		}
	}
}

// oneWay adds that an entry says in one way what it mirrors, and by whom it is.
func oneWay(s *jsonschema.Schema) {
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
}

// scalarSchema says in the schema's words what a type's rule allows.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	switch v := reflect.Zero(t).Interface().(type) {
	case choice:
		return schematest.Choice(v.choices())
	case interface{ bounds() (low, high int) }:
		return schematest.Whole(v.bounds())
	case Tag:
		s := schematest.Pattern(tagForm, 0)
		s.Not = &jsonschema.Schema{Pattern: legacyForm.String()}
		return s
	case KeyFile, RootFile:
		return &jsonschema.Schema{Type: "string", Pattern: `^[^/\\\n][^\\\n]*$`, Not: &jsonschema.Schema{Pattern: `^\.\.(/|$)`}}
	case rule:
		return texts.Of(t)
	}
	return nil
}

// texts are the types of which a pattern and a length say everything, or as
// much as the schema can.
var texts = schematest.Texts{
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
}

// someForm is as much as a pattern can say of a pattern.
var someForm = regexp.MustCompile(`.`)

// rangeForm is as much as a pattern can say of a range.
var rangeForm = regexp.MustCompile(`[0-9*xX]`)
