package chart_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/chart"
)

func TestValuesAreWrittenForOneEnvironment(t *testing.T) {
	out := filepath.Join(t.TempDir(), "values.yaml")
	o := chart.ValuesOptions{File: contracts + "smallest.yaml", Environment: "staging", Image: image, Output: out}
	got, err := chart.Values(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := chart.ValuesResult{Name: "hello-go", Team: "web", Project: "demo", Environment: "staging", Image: image, Path: out}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# Written by pave") || !strings.Contains(string(text), "\nenvironment: staging\n") {
		t.Errorf("got\n%s", text)
	}
}

func TestBadInputWritesNoValues(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "platform.yaml")
	write(t, bad, "apiVersion: pave/v1\n")
	for name, c := range map[string]struct {
		options chart.ValuesOptions
		want    string
	}{
		"an unknown environment": {
			chart.ValuesOptions{File: contracts + "smallest.yaml", Environment: "test", Image: image},
			`environment "test" is not known; use staging or production`,
		},
		"a bad contract": {
			chart.ValuesOptions{File: bad, Environment: "staging", Image: image},
			bad + ":1:1: kind: is missing\n" + bad + ":1:1: metadata: is missing\n" + bad + ":1:1: spec: is missing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Output = filepath.Join(t.TempDir(), "values.yaml")
			_, err := chart.Values(t.Context(), c.options)
			refused(t, err, fault.Input, c.want)
			if _, err := os.Stat(c.options.Output); err == nil {
				t.Error("values were written all the same")
			}
		})
	}
}
