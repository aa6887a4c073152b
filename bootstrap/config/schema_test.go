package config

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

var update = flag.Bool("update", false, "write cluster.schema.json")

func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	got := generate(t)
	if *update {
		if err := os.WriteFile("cluster.schema.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(Schema()), string(got)); diff != "" {
		t.Errorf("cluster.schema.json is stale, write it with go generate:\n%s", diff)
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
	r := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Mapper: scalarSchema}
	if err := r.AddGoComments("github.com/pave-platform/pave/bootstrap/config", "."); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(Cluster{})
	s.ID = SchemaURL
	s.Title = "cluster.yaml"
	var all bytes.Buffer
	e := json.NewEncoder(&all)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

// scalarSchema says in the schema's words what a type's rule allows. It gives
// nil for a group of fields and for a list.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	switch v := reflect.Zero(t).Interface().(type) {
	case choice:
		s := &jsonschema.Schema{Type: "string"}
		for _, allowed := range v.choices() {
			s.Enum = append(s.Enum, allowed)
		}
		return s
	case Cores:
		return &jsonschema.Schema{Type: "integer", Minimum: json.Number(strconv.Itoa(minCores)), Maximum: json.Number(strconv.Itoa(maxCores))}
	case rule:
		text, known := texts[t]
		if !known {
			panic(t.String() + " has a rule that the schema does not know")
		}
		s := &jsonschema.Schema{Type: "string", Pattern: text.form.String()}
		if text.most > 0 {
			most := uint64(text.most)
			s.MaxLength = &most
		}
		return s
	}
	return nil
}

// texts are the types of which a pattern and a length say everything, or as
// much as the schema can.
var texts = map[reflect.Type]struct {
	form *regexp.Regexp
	most int // characters, 0: any number
}{
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
