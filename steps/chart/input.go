package chart

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
	helm "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// maxValues is the size of the largest values file that is read.
const maxValues = 1 << 20

// input is a values file and where its values stand.
type input struct {
	file   string // empty: the chart's defaults alone
	values map[string]any
	root   *yamlnode.Node // nil without a file
}

// readInput reads a values file and puts the image, a reference by digest,
// over it. Both may be empty.
func readInput(file, image string) (*input, error) {
	in := &input{file: file, values: map[string]any{}}
	if file != "" {
		if err := in.read(); err != nil {
			return nil, err
		}
	}
	if image == "" {
		return in, nil
	}
	ref, err := registry.ParseDigest(image)
	if err != nil {
		return nil, err
	}
	in.values["image"] = map[string]any{"repository": ref.Context().Name(), "digest": ref.DigestStr()}
	return in, nil
}

func (in *input) read() error {
	data, err := readLimited(in.file)
	if err != nil {
		return fault.Inputf("values: %w", err)
	}
	var doc yamlnode.Node
	if err := yamlnode.Unmarshal(data, &doc); err != nil {
		return fault.Inputf("%s: this is not YAML: %s", in.file, oneLine(err))
	}
	if len(doc.Content) == 0 {
		return nil // nothing but comments: the chart's defaults
	}
	in.root = doc.Content[0]
	if in.root.Kind != yamlnode.MappingNode {
		return fault.Inputf("%s:%d:%d: values must be fields with values", in.file, in.root.Line, in.root.Column)
	}
	if err := yaml.UnmarshalStrict(data, &in.values); err != nil {
		return fault.Inputf("%s: %s", in.file, oneLine(err))
	}
	return nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxValues+1))
	if err == nil && len(data) > maxValues {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxValues)
	}
	return data, err
}

// check holds the values, over the chart's defaults, against the chart's
// schema, and reports everything that violates it at once.
func (in *input) check(c *helm.Chart) error {
	merged, err := chartutil.CoalesceValues(c, in.values)
	if err != nil {
		return fault.Inputf("%s: %s", in.label(), oneLine(err))
	}
	violations, err := violationsOf(c, merged)
	if err != nil || len(violations) == 0 {
		return err
	}
	slices.SortFunc(violations, func(a, b violation) int {
		x, y := in.place(a.path), in.place(b.path)
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column),
			slices.Compare(a.path, b.path), strings.Compare(a.message, b.message))
	})
	lines := make([]error, 0, len(violations))
	for _, v := range violations {
		lines = append(lines, fmt.Errorf("%s: %s: %s", in.at(v.path), v.where(), v.message))
	}
	return fault.Inputf("%w", errors.Join(lines...))
}

func (in *input) label() string {
	if in.file == "" {
		return "values"
	}
	return in.file
}

// at gives file:line:column of a value; without a file it gives only what the
// values are called.
func (in *input) at(path []string) string {
	if in.root == nil {
		return in.label()
	}
	n := in.place(path)
	return fmt.Sprintf("%s:%d:%d", in.file, n.Line, n.Column)
}

// place gives the key of the value at path, or of the nearest group around it
// that the file has.
func (in *input) place(path []string) *yamlnode.Node {
	if in.root == nil {
		return &yamlnode.Node{}
	}
	key, n := in.root, in.root
	for _, step := range path {
		k, value := child(n, step)
		if value == nil {
			break
		}
		key, n = k, value
	}
	return key
}

func child(n *yamlnode.Node, step string) (key, value *yamlnode.Node) {
	switch n.Kind {
	case yamlnode.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yamlnode.SequenceNode:
		for i, item := range n.Content {
			if fmt.Sprint(i) == step {
				return item, item
			}
		}
	}
	return nil, nil
}
