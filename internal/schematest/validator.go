package schematest

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// Validator gives a function that holds a file against the schema, as an editor
// does. What is not one plain YAML document, of the size that is read, is refused.
func Validator(t testing.TB, url string, schema []byte) func(file []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(url, document); err != nil {
		t.Fatal(err)
	}
	s, err := compiler.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	return func(file []byte) error {
		v, err := instance(file)
		if err != nil {
			return err
		}
		return s.Validate(v)
	}
}

func instance(file []byte) (any, error) {
	if len(file) > yamlfile.MaxBytes { // which may take minutes
		return nil, errors.New("too large")
	}
	var plain any
	decoder := yaml.NewDecoder(bytes.NewReader(file))
	if err := decoder.Decode(&plain); err != nil {
		return nil, err
	}
	if decoder.Decode(new(any)) == nil {
		return nil, errors.New("a second document")
	}
	data, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(data))
}
