package chart

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	helm "helm.sh/helm/v3/pkg/chart"

	"github.com/pave-platform/pave/internal/fault"
)

// violation is one value that the schema does not allow.
type violation struct {
	path    []string // list items by index
	message string
}

// where writes the path as in ports[0].name.
func (v violation) where() string {
	var b strings.Builder
	for i, step := range v.path {
		switch _, err := strconv.Atoi(step); {
		case err == nil:
			b.WriteString("[" + step + "]")
			continue
		case i > 0:
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}

// violationsOf holds values against the chart's own schema, if it has one;
// Helm does the same for its dependencies. References to other documents are
// not followed: a chart decides nothing about which addresses are asked.
func violationsOf(c *helm.Chart, values map[string]any) ([]violation, error) {
	if len(c.Schema) == 0 {
		return nil, nil
	}
	schema, err := compile(c.Schema)
	if err != nil {
		return nil, fault.Inputf("chart %s: values.schema.json: %s", c.Name(), oneLine(err))
	}
	instance, err := plain(values)
	if err != nil {
		return nil, fault.Inputf("chart %s: %w", c.Name(), err)
	}
	invalid, ok := errors.AsType[*jsonschema.ValidationError](schema.Validate(instance))
	if !ok {
		return nil, nil
	}
	return leaves(invalid, nil), nil
}

func compile(data []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	const url = "file:///values.schema.json"
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(closed{})
	if err := compiler.AddResource(url, doc); err != nil {
		return nil, err
	}
	return compiler.Compile(url)
}

type closed struct{}

// Load refuses every document besides the schema itself.
func (closed) Load(url string) (any, error) {
	return nil, fmt.Errorf("the reference to %s is not followed: write the definition into the schema", url)
}

// plain turns Go values into those of a JSON document.
func plain(values map[string]any) (any, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(data))
}

// leaves gives the causes at the bottom: what holds them together, such as a
// reference to a definition, says nothing to the author of the values.
func leaves(e *jsonschema.ValidationError, all []violation) []violation {
	at := func(name, message string) violation {
		return violation{path: append(slices.Clone(e.InstanceLocation), name), message: message}
	}
	if k, ok := e.ErrorKind.(*kind.PropertyNames); ok { // the library gives a wrong location here
		return append(all, violation{path: []string{k.Property}, message: "the chart allows no value of this name"})
	}
	for _, cause := range e.Causes {
		all = leaves(cause, all)
	}
	if len(e.Causes) > 0 {
		return all
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			all = append(all, at(name, "is missing"))
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			all = append(all, at(name, "the chart has no such value"))
		}
	case *kind.Not:
		all = append(all, violation{path: e.InstanceLocation, message: "this value is reserved"})
	case *kind.FalseSchema:
		all = append(all, violation{path: e.InstanceLocation, message: "this value excludes one beside it"})
	default:
		all = append(all, violation{path: e.InstanceLocation, message: k.LocalizedString(english)})
	}
	return all
}

var english = message.NewPrinter(language.English)
