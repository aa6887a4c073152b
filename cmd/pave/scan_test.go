package main

import (
	"testing"

	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
)

func TestThePublicRegistriesNeverSeeThePlatformsCredentials(t *testing.T) {
	o := registry.Options{CAFile: "ca.crt", Username: "robot", Password: secret.Source{Env: "PASSWORD"}}
	if got := databaseRegistry(o, nil); got != (registry.Options{CAFile: "ca.crt"}) {
		t.Errorf("for the public registries: %+v", got)
	}
	if got := databaseRegistry(o, []string{"harbor.example.com/library/trivy-db:2"}); got != o {
		t.Errorf("for a mirror: %+v", got)
	}
}
