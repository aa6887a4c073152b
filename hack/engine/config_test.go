package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/fault"
)

func TestTheEngineAsksTheBuilderRegistryBeforeDockerHub(t *testing.T) {
	const builder = "127.0.0.1:5000"
	for name, c := range map[string]struct {
		args []string
		want map[string]any
	}{
		"by itself": {nil, map[string]any{"docker.io": []any{builder}}},
		"beside a mirror of another registry": {
			[]string{"quay.io=harbor.example.com/quay"},
			map[string]any{"docker.io": []any{builder}, "quay.io": []any{"harbor.example.com/quay"}},
		},
		"but not instead of the user's own mirrors": {
			[]string{"docker.io=harbor.example.com/hub", "docker.io=mirror.example.com"},
			map[string]any{"docker.io": []any{"harbor.example.com/hub", "mirror.example.com"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := parseMirrors(c.args)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "etc", "engine.json")
			if err := writeEngineConfig(path, m.with(builder)); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Registries map[string]struct{ Mirrors any }
			}
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			registries := map[string]any{}
			for host, r := range got.Registries {
				registries[host] = r.Mirrors
			}
			if diff := cmp.Diff(c.want, registries); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAMirrorHasAHostAndAnAddress(t *testing.T) {
	for _, arg := range []string{"", "docker.io", "docker.io=", "=harbor.example.com", "docker.io=https://harbor.example.com"} {
		if _, err := parseMirrors([]string{arg}); fault.KindOf(err) != fault.Input {
			t.Errorf("%q: got %v", arg, err)
		}
	}
}

func TestAnInstanceHasASimpleNameAndAnAbsoluteFolder(t *testing.T) {
	for _, c := range [][2]string{{"", "/state"}, {"../x", "/state"}, {"A", "/state"}, {"-a", "/state"}, {"a", "state"}} {
		if _, err := newInstance(c[0], c[1]); fault.KindOf(err) != fault.Input {
			t.Errorf("%q: got %v", c, err)
		}
	}
	i, err := newInstance("second", "/state")
	if err != nil {
		t.Fatal(err)
	}
	if i.state != "/state/second" || i.address() != "unix:///run/dagger-second/engine.sock" {
		t.Errorf("got %s, %s", i.state, i.address())
	}
}
