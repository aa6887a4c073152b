package contract

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
)

var update = flag.Bool("update", false, "write platform.schema.json")

func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	got := generate(t)
	if *update {
		if err := os.WriteFile("platform.schema.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(Schema()), string(got)); diff != "" {
		t.Errorf("platform.schema.json is stale, write it with go generate:\n%s", diff)
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

// generate gives the schema of the Go types, with their comments.
func generate(t *testing.T) []byte {
	t.Helper()
	r := jsonschema.Reflector{
		Anonymous:                  true,
		ExpandedStruct:             true,
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		Mapper:                     scalarSchema,
	}
	if err := r.AddGoComments("github.com/pave-platform/pave/golden-path/contract", "."); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(Application{})
	s.ID = SchemaURL
	s.Title = "platform.yaml"
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

// scalarSchema says in the schema's words what a type's rule allows. It gives
// nil for a group of fields and for a list.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	if t == reflect.TypeFor[map[EnvName]EnvValue]() {
		return &jsonschema.Schema{
			Type:                 "object",
			PropertyNames:        &jsonschema.Schema{Pattern: envNameForm.String()},
			AdditionalProperties: scalarSchema(reflect.TypeFor[EnvValue]()),
			Examples:             []any{map[string]string{"LOG_LEVEL": "info"}},
		}
	}
	switch v := reflect.Zero(t).Interface().(type) {
	case choice:
		s := &jsonschema.Schema{Type: "string"}
		for _, allowed := range v.choices() {
			s.Enum = append(s.Enum, allowed)
		}
		return s
	case Nodes:
		s := whole(v)
		s.Not = &jsonschema.Schema{MultipleOf: "2"}
		return s
	case bounded:
		return whole(v)
	case EnvValue:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
	case CPU:
		text := pattern(cpuForm, 0)
		text.Not = &jsonschema.Schema{Pattern: `^0+(\.0+)?m?$`}
		number := &jsonschema.Schema{Type: "number", Minimum: "0.001", ExclusiveMaximum: "1000000000", MultipleOf: "0.001"}
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text, number}, Examples: []any{"500m", 0.5}}
	case PortName:
		s := pattern(portNameForm, maxPortName)
		s.Not = &jsonschema.Schema{Const: httpPortName}
		return s
	case MountPath:
		s := pattern(mountPathForm, maxPath)
		s.Not = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Pattern: ownPaths.String()}, {Const: string(sharedPath)},
		}}
		return s
	case rule:
		text, known := texts[t]
		if !known {
			panic(t.String() + " has a rule that the schema does not know")
		}
		return pattern(text.form, text.most)
	}
	return nil
}

// texts are the types of which a pattern and a length say everything, or as
// much as the schema can.
var texts = map[reflect.Type]struct {
	form *regexp.Regexp
	most int // characters, 0: any number
}{
	reflect.TypeFor[Name]():        {nameForm, maxName},
	reflect.TypeFor[Label]():       {labelForm, maxLabel},
	reflect.TypeFor[VolumeName]():  {labelForm, maxVolumeName},
	reflect.TypeFor[ObjectName]():  {objectNameForm, maxSubdomain},
	reflect.TypeFor[MetricsPort](): {portNameForm, maxPortName},
	reflect.TypeFor[EnvName]():     {envNameForm, 0},
	reflect.TypeFor[AlertName]():   {alertNameForm, 0},
	reflect.TypeFor[Memory]():      {memoryForm, 0},
	reflect.TypeFor[Size]():        {sizeForm, 0},
	reflect.TypeFor[Duration]():    {durationForm, 0},
	reflect.TypeFor[Pause]():       {pauseForm, 0},
	reflect.TypeFor[Retention]():   {retentionForm, 0},
	reflect.TypeFor[Schedule]():    {scheduleForm, 0},
	reflect.TypeFor[Host]():        {hostForm, maxSubdomain},
	reflect.TypeFor[CIDR]():        {cidrForm, 0},
	reflect.TypeFor[HTTPPath]():    {httpPathForm, 0},
	reflect.TypeFor[Endpoint]():    {endpointForm, maxPath},
	reflect.TypeFor[Bucket]():      {bucketForm, maxPath},
	reflect.TypeFor[Repository]():  {repositoryForm, 0},
	reflect.TypeFor[VaultPath]():   {vaultPathForm, maxPath},
	reflect.TypeFor[Expression]():  {expressionForm, maxExpression},
	reflect.TypeFor[Summary]():     {nil, maxSummary},
}

func pattern(form *regexp.Regexp, most int) *jsonschema.Schema {
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

func whole(b bounded) *jsonschema.Schema {
	low, high := b.bounds()
	return &jsonschema.Schema{
		Type: "integer", Minimum: json.Number(strconv.Itoa(low)), Maximum: json.Number(strconv.Itoa(high)),
	}
}
