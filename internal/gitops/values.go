package gitops

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	goyaml "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// Values are a chart's values. Numbers are json.Number, so that they come out as
// they were written.
type Values struct {
	File   string // for messages
	Fields map[string]any
}

// ReadValues reads them as Helm does.
func ReadValues(file string) (*Values, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Inputf("values: %w", err)
	}
	if err := oneDocument(file, raw); err != nil {
		return nil, err
	}
	document, err := decode(raw)
	if err != nil {
		return nil, fault.Inputf("%s: %w", file, err)
	}
	v := &Values{File: file, Fields: map[string]any{}}
	switch fields := document.(type) {
	case map[string]any:
		v.Fields = fields
	case nil: // an empty file
	default:
		return nil, fault.Inputf("%s does not hold a mapping", file).Fix("write values as key: value")
	}
	return v, nil
}

// decode reads YAML without a key that is there twice, and numbers as they are
// written.
func decode(raw []byte) (any, error) {
	asJSON, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))
	}
	d := json.NewDecoder(bytes.NewReader(asJSON))
	d.UseNumber()
	var document any
	return document, d.Decode(&document)
}

// oneDocument refuses a second document, which Helm would silently drop.
func oneDocument(file string, raw []byte) error {
	d := goyaml.NewDecoder(bytes.NewReader(raw))
	for n := 0; ; n++ {
		var document goyaml.Node
		switch err := d.Decode(&document); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fault.Inputf("%s: %w", file, err)
		case n > 0:
			return fault.Inputf("%s:%d: more than one document", file, document.Line).Fix("write all values as one mapping")
		}
	}
}

// BelongTo refuses the values of another project or environment.
func (v *Values) BelongTo(t Target) error {
	for _, field := range []struct{ key, want string }{{"project", t.Project}, {"environment", t.Environment}} {
		if got := text(v.Fields, field.key); got != "" && got != field.want {
			return fault.Inputf("%s is for %s %s, not for %s", v.File, field.key, got, field.want).
				Fix("render the values for %s %s", field.key, field.want)
		}
	}
	return nil
}

// text is a field's value if it is a non-empty string.
func text(fields map[string]any, key string) string {
	s, _ := fields[key].(string)
	return s
}

// Pin makes the values and the image that is asked for one: what the values leave
// out is filled in, what they contradict is an error, and so is no digest.
func (v *Values) Pin(given string) (name.Digest, error) {
	block, ok := v.Fields["image"].(map[string]any)
	if !ok && v.Fields["image"] != nil {
		return name.Digest{}, fault.Inputf("%s: image is not a mapping", v.File).Fix("write it with repository and digest")
	}
	repository, _ := block["repository"].(string)
	digest, _ := block["digest"].(string)
	if given == "" {
		if repository == "" || digest == "" {
			return name.Digest{}, fault.Inputf("%s does not pin the image", v.File).Fix("give --image registry/project/app@sha256:…")
		}
		given = repository + "@" + digest
	}
	image, err := registry.ParseDigest(given)
	if err != nil {
		return name.Digest{}, err
	}
	if repository == "" {
		repository = image.Context().Name()
	}
	if digest == "" {
		digest = image.DigestStr()
	}
	if stated, err := registry.ParseDigest(repository + "@" + digest); err != nil || stated.Name() != image.Name() {
		return name.Digest{}, fault.Inputf("%s has image %s@%s, not %s", v.File, repository, digest, given).
			Fix("render the values with the image that is deployed")
	}
	if block == nil {
		block = map[string]any{}
		v.Fields["image"] = block
	}
	block["repository"], block["digest"] = repository, digest
	return image, nil
}
