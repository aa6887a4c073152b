package gitops

import (
	"maps"
	"reflect"
	"slices"
)

// Differing gives the paths of the values that two releases do not share, as in
// ingress.host, sorted. Which environment they are for differs by nature.
func Differing(a, b map[string]any) []string {
	paths := differing("", a, b)
	return slices.DeleteFunc(paths, func(path string) bool { return path == "environment" })
}

func differing(prefix string, a, b map[string]any) []string {
	keys := slices.Collect(maps.Keys(a))
	for key := range b {
		if _, both := a[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var paths []string
	for _, key := range keys {
		left, leftMap := a[key].(map[string]any)
		right, rightMap := b[key].(map[string]any)
		switch {
		case leftMap && rightMap:
			paths = append(paths, differing(prefix+key+".", left, right)...)
		case !reflect.DeepEqual(a[key], b[key]):
			paths = append(paths, prefix+key)
		}
	}
	return paths
}
