package deploy

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

// values are a chart's values, with the file's name for messages. Numbers are
// json.Number, so that they come out as they were written.
type values struct {
	file   string
	fields map[string]any
}

// readValues reads them as Helm does.
func readValues(file string) (*values, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Inputf("values: %w", err)
	}
	if err := oneDocument(file, raw); err != nil {
		return nil, err
	}
	asJSON, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return nil, fault.Inputf("%s: %s", file, strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))
	}
	v := &values{file: file, fields: map[string]any{}}
	d := json.NewDecoder(bytes.NewReader(asJSON))
	d.UseNumber()
	var document any
	if err := d.Decode(&document); err != nil {
		return nil, fault.Inputf("%s: %w", file, err)
	}
	switch fields := document.(type) {
	case map[string]any:
		v.fields = fields
	case nil: // an empty file
	default:
		return nil, fault.Inputf("%s does not hold a mapping", file).Fix("write values as key: value")
	}
	return v, nil
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

// belongTo refuses the values of another project or environment.
func (v *values) belongTo(t target) error {
	for _, field := range []struct{ key, want string }{{"project", t.project}, {"environment", t.environment}} {
		if got := v.text(field.key); got != "" && got != field.want {
			return fault.Inputf("%s is for %s %s, and the deploy for %s", v.file, field.key, got, field.want).
				Fix("render the values for %s %s", field.key, field.want)
		}
	}
	return nil
}

// text is a field's value if it is a non-empty string.
func (v *values) text(key string) string {
	s, _ := v.fields[key].(string)
	return s
}

// canary tells whether the base chart rolls the application out in steps.
func (v *values) canary() bool {
	rollout, _ := v.fields["rollout"].(map[string]any)
	return rollout["strategy"] == "canary"
}

// pin makes the values and the image of the deploy one: what the values leave
// out is filled in, what they contradict is an error, and so is no digest.
func (v *values) pin(given string) (name.Digest, error) {
	block, ok := v.fields["image"].(map[string]any)
	if !ok && v.fields["image"] != nil {
		return name.Digest{}, fault.Inputf("%s: image is not a mapping", v.file).Fix("write it with repository and digest")
	}
	repository, _ := block["repository"].(string)
	digest, _ := block["digest"].(string)
	if given == "" {
		if repository == "" || digest == "" {
			return name.Digest{}, fault.Inputf("%s does not pin the image", v.file).Fix("give --image registry/project/app@sha256:…")
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
		return name.Digest{}, fault.Inputf("%s has image %s@%s, and the deploy is of %s", v.file, repository, digest, given).
			Fix("render the values with the image that is deployed")
	}
	if block == nil {
		block = map[string]any{}
		v.fields["image"] = block
	}
	block["repository"], block["digest"] = repository, digest
	return image, nil
}
