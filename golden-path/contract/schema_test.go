package contract

import (
	"reflect"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/pave-platform/pave/internal/schematest"
)

var format = schematest.Format{URL: SchemaURL, Root: Application{}, Scalar: scalarSchema}

func TestTheSchemaIsThatOfTheTypes(t *testing.T) { format.IsThatOfTheTypes(t, Schema()) }

func TestEveryFieldIsDescribed(t *testing.T) { format.DescribesEveryField(t) }

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
		return schematest.Choice(v.choices())
	case Nodes:
		s := schematest.Whole(v.bounds())
		s.Not = &jsonschema.Schema{MultipleOf: "2"}
		return s
	case bounded:
		return schematest.Whole(v.bounds())
	case EnvValue:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
	case CPU:
		text := schematest.Pattern(cpuForm, 0)
		text.Not = &jsonschema.Schema{Pattern: `^0+(\.0+)?m?$`}
		number := &jsonschema.Schema{Type: "number", Minimum: "0.001", ExclusiveMaximum: "1000000000", MultipleOf: "0.001"}
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text, number}, Examples: []any{"500m", 0.5}}
	case PortName:
		s := schematest.Pattern(portNameForm, maxPortName)
		s.Not = &jsonschema.Schema{Const: httpPortName}
		return s
	case MountPath:
		s := schematest.Pattern(mountPathForm, maxPath)
		s.Not = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Pattern: ownPaths.String()}, {Const: string(sharedPath)},
		}}
		return s
	case rule:
		return texts.Of(t)
	}
	return nil
}

// texts are the types of which a pattern and a length say everything, or as
// much as the schema can.
var texts = schematest.Texts{
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
