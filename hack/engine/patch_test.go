package main

import (
	"strings"
	"testing"
)

func TestThePatchFitsOnePlaceOnly(t *testing.T) {
	const source = "package cache\n\n" + patchAfter + "\tif err != nil {\n\t\treturn false, err\n\t}\n}\n"
	patched, err := patchedSource([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(source, patchAfter, patchAfter+patchAdded, 1); string(patched) != want {
		t.Errorf("got\n%s\nwant\n%s", patched, want)
	}
	for name, source := range map[string]string{"no place": "package cache\n", "two places": source + source} {
		if _, err := patchedSource([]byte(source)); err == nil || !strings.Contains(err.Error(), "hack/engine/patch.go") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
