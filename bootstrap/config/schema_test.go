package config

import (
	"reflect"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/pave-platform/pave/internal/schematest"
)

var format = schematest.Format{URL: SchemaURL, Root: Cluster{}, Scalar: scalarSchema}

func TestTheSchemaIsThatOfTheTypes(t *testing.T) { format.IsThatOfTheTypes(t, Schema()) }

func TestEveryFieldIsDescribed(t *testing.T) { format.DescribesEveryField(t) }

// scalarSchema says in the schema's words what a type's rule allows. It gives
// nil for a group of fields and for a list.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	switch v := reflect.Zero(t).Interface().(type) {
	case choice:
		return schematest.Choice(v.choices())
	case Cores:
		return schematest.Whole(minCores, maxCores)
	case rule:
		return texts.Of(t)
	}
	return nil
}

// texts are the types of which a pattern and a length say everything, or as
// much as the schema can.
var texts = schematest.Texts{
	reflect.TypeFor[Name]():          {nameForm, maxName},
	reflect.TypeFor[Label]():         {labelForm, maxLabel},
	reflect.TypeFor[Host]():          {hostForm, maxHost},
	reflect.TypeFor[Server]():        {serverForm, maxHost},
	reflect.TypeFor[Endpoint]():      {endpointForm, 0},
	reflect.TypeFor[Address]():       {addressForm, 0},
	reflect.TypeFor[Prefix]():        {prefixForm, 0},
	reflect.TypeFor[Version]():       {versionForm, 0},
	reflect.TypeFor[InventoryName](): {inventoryNameForm, maxInventoryName},
	reflect.TypeFor[Path]():          {pathForm, maxPath},
	reflect.TypeFor[URL]():           {urlForm, maxPath},
	reflect.TypeFor[SHA256]():        {sha256Form, 0},
	reflect.TypeFor[ImageRef]():      {imageRefForm, 0},
	reflect.TypeFor[Registry]():      {registryForm, maxHost},
	reflect.TypeFor[Extension]():     {extensionForm, maxHost},
	reflect.TypeFor[Device]():        {deviceForm, maxHost},
	reflect.TypeFor[Size]():          {sizeForm, 0},
	reflect.TypeFor[Recipient]():     {recipientForm, maxRecipient},
}
