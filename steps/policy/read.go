package policy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
)

// maxManifestBytes bounds one file. A chart's manifests are some kilobytes.
const maxManifestBytes = 32 << 20

// readManifests gives the objects in the files, those of a List one by one.
func readManifests(paths []string) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, fault.Inputf("manifests: %w", err)
		}
		data, err := io.ReadAll(io.LimitReader(f, maxManifestBytes+1))
		f.Close()
		if err != nil {
			return nil, fault.Inputf("manifests: %w", err)
		}
		if len(data) > maxManifestBytes {
			return nil, fault.Inputf("%s is larger than %d MiB", path, maxManifestBytes>>20)
		}
		objects, err := parse(data)
		if err == nil && len(objects) == 0 {
			err = errors.New("no object is in it")
		}
		if err != nil {
			return nil, fault.Inputf("%s: %w", path, err).Fix("give YAML documents of Kubernetes objects")
		}
		all = append(all, objects...)
	}
	return all, nil
}

// parse gives the objects in a stream of YAML documents.
func parse(data []byte) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		text, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return nil, err
		}
		if string(text) == "null" {
			continue // only comments
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(text); err != nil {
			return nil, err
		}
		if !object.IsList() {
			all = append(all, object)
			continue
		}
		if err := object.EachListItem(func(item runtime.Object) error {
			all = append(all, item.(*unstructured.Unstructured))
			return nil
		}); err != nil {
			return nil, err
		}
	}
}
