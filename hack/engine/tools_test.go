package main

import (
	"os"
	"strings"
	"testing"
)

func TestTheToolsModuleHasTheVersionTheyAnnounce(t *testing.T) {
	mod, err := os.ReadFile("tools/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := daggerModule + " " + DaggerVersion + " "; !strings.Contains(string(mod), want) {
		t.Errorf("tools/go.mod does not require %s", want)
	}
}

func TestTheKeyOfTheToolsIsStable(t *testing.T) {
	dir, first, err := toolsSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/go.sum"); err != nil {
		t.Error(err)
	}
	if _, second, err := toolsSource(t.Context()); err != nil || first != second {
		t.Errorf("%s and %s, %v", first, second, err)
	}
}
