package main

import (
	"os"
	"slices"
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

func TestTheRepositorysBuildSettingsDoNotReachTheTools(t *testing.T) {
	for name, value := range map[string]string{"GOEXPERIMENT": "jsonv2", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOPROXY": "https://proxy.example.com"} {
		t.Setenv(name, value)
	}
	env := toolEnv()
	for _, kv := range env {
		if name, _, _ := strings.Cut(kv, "="); name == "GOEXPERIMENT" || name == "GOFLAGS" || kv == "GOTOOLCHAIN=local" {
			t.Errorf("%s reaches them", kv)
		}
	}
	if !slices.Contains(env, "GOPROXY=https://proxy.example.com") {
		t.Error("the module proxy is lost")
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
