package kube

import (
	"bytes"
	"errors"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Documents gives the objects in the YAML or JSON documents of data; empty
// documents are left out.
func Documents(data []byte) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096); ; {
		object := map[string]any{}
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		if len(object) != 0 {
			found = append(found, &unstructured.Unstructured{Object: object})
		}
	}
}
