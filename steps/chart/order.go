package chart

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/releaseutil"
)

// head reads what a manifest of the base chart is from its first lines. Reading
// all of it as YAML, as Helm does, takes longer than to render it.
func head(document string) (Object, error) {
	var values [4]string
	rest := document
	for i, key := range []string{"apiVersion: ", "kind: ", "metadata:", "  name: "} {
		line, after, _ := strings.Cut(rest, "\n")
		value, found := strings.CutPrefix(line, key)
		if !found {
			return Object{}, fmt.Errorf("line %d of a manifest is %q, want %q", i+1, line, key)
		}
		values[i], rest = value, after
	}
	name, err := strconv.Unquote(values[3])
	return Object{APIVersion: values[0], Kind: values[1], Name: name}, err
}

// rankOf gives the place of a kind in Helm's order of installation; kinds that
// Helm does not know come last.
func rankOf(kind string) int {
	if i := slices.Index(releaseutil.InstallOrder, kind); i >= 0 {
		return i
	}
	return len(releaseutil.InstallOrder)
}

// inOrder writes manifests as [Template] does.
func inOrder(all []manifest) (string, []Object) {
	slices.SortStableFunc(all, func(a, b manifest) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.Kind, b.Kind))
	})
	var b strings.Builder
	objects := make([]Object, 0, len(all))
	for _, m := range all {
		b.WriteString("---\n# Source: " + m.file + "\n" + m.text + "\n")
		objects = append(objects, m.Object)
	}
	return b.String(), objects
}
