package buildcache

import (
	"slices"
	"strings"
	"testing"
)

func TestTheRepositorysBuildSettingsDoNotReachOtherModules(t *testing.T) {
	for name, value := range map[string]string{"GOEXPERIMENT": "jsonv2", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOPROXY": "https://proxy.example.com"} {
		t.Setenv(name, value)
	}
	env := GoEnv()
	for _, kv := range env {
		if name, _, _ := strings.Cut(kv, "="); name == "GOEXPERIMENT" || name == "GOFLAGS" || kv == "GOTOOLCHAIN=local" {
			t.Errorf("%s reaches them", kv)
		}
	}
	if !slices.Contains(env, "GOPROXY=https://proxy.example.com") {
		t.Error("the module proxy is lost")
	}
}
