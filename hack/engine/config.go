package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// mirrors maps a registry's host to those asked before it.
type mirrors map[string][]string

// parseMirrors reads arguments like docker.io=harbor.example/proxy.
func parseMirrors(args []string) (mirrors, error) {
	m := mirrors{}
	for _, a := range args {
		host, mirror, ok := strings.Cut(a, "=")
		if !ok || host == "" || mirror == "" || strings.Contains(a, "://") {
			return nil, fault.Inputf("--registry-mirror %q is not HOST=MIRROR", a).
				Fix("write for example docker.io=harbor.example.com/dockerhub")
		}
		m[host] = append(m[host], mirror)
	}
	return m, nil
}

// with gives m with the builder's registry for docker.io, unless the user named
// a mirror of it.
func (m mirrors) with(builder string) mirrors {
	all := mirrors{"docker.io": {builder}}
	for host, list := range m {
		all[host] = list
	}
	return all
}

// writeEngineConfig writes the engine's own configuration
// (https://docs.dagger.io/reference/configuration/engine).
func writeEngineConfig(path string, m mirrors) error {
	type registry struct {
		Mirrors []string `json:"mirrors"`
	}
	config := struct {
		LogLevel   string              `json:"logLevel"`
		Registries map[string]registry `json:"registries"`
	}{"info", map[string]registry{}}
	for host, list := range m {
		config.Registries[host] = registry{list}
	}
	data, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
