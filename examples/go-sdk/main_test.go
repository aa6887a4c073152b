package main

import (
	"errors"
	"strings"
	"testing"
)

func TestOneRefusedApplicationIsToldApart(t *testing.T) {
	passed, refused := summary{Title: "demo/good"}, summary{Title: "demo/bad"}
	passed.Scan.Passed = true
	refused.Scan.Critical = 7

	var out strings.Builder
	if err := table(&out, []summary{passed}); err != nil {
		t.Errorf("nothing was refused: %v", err)
	}
	if err := table(&out, []summary{passed, refused}); !errors.Is(err, errRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
	if want := "demo/bad     refused  7"; !strings.Contains(out.String(), want) {
		t.Errorf("%q is not in\n%s", want, out.String())
	}
}

func TestNoApplicationIsAnError(t *testing.T) {
	if err := run(t.Context(), settings{}); err == nil {
		t.Error("nothing to do was done")
	}
}
