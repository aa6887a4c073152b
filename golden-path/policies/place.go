package policies

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is a node of a policy. Setting it keeps the comments and the order of
// everything around it.
type place struct{ node *yaml.Node }

// at goes down: by key in a mapping, by the element's `name` in a sequence.
func (p place) at(path ...string) place {
	for _, step := range path {
		if p.node == nil {
			break
		}
		p = place{child(p.node, step)}
	}
	return p
}

func child(n *yaml.Node, step string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		for _, e := range n.Content {
			if name := child(e, "name"); name != nil && name.Value == step {
				return e
			}
		}
	}
	return nil
}

func (p place) set(text string) error {
	if p.node == nil || p.node.Kind != yaml.ScalarNode {
		return fmt.Errorf("the place for %.40q is not there", text)
	}
	p.node.SetString(text)
	if !strings.Contains(text, "\n") {
		p.node.Style = yaml.DoubleQuotedStyle
	}
	return nil
}

// add appends a key to a mapping.
func (p place) add(key string, value any) error {
	if p.node == nil || p.node.Kind != yaml.MappingNode || child(p.node, key) != nil {
		return fmt.Errorf("the place for %s is not there", key)
	}
	var name, content yaml.Node
	name.SetString(key)
	if err := content.Encode(value); err != nil {
		return err
	}
	p.node.Content = append(p.node.Content, &name, &content)
	return nil
}
