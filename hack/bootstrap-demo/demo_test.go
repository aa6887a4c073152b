//go:build linux

package main

import (
	"bytes"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/internal/secrettest"
)

// TestMain lets this program be one of the demo's roles.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		os.Exit(run(nil, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestTheDemo plays it with the real binary, and then looks for the cluster's
// secrets in all that was said and in every command line.
func TestTheDemo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("the demo needs root, for network namespaces")
	}
	dir, err := os.MkdirTemp("", "pave-demo-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	pave := os.Getenv("PAVE_DEMO_BINARY")
	if pave == "" {
		if pave, err = build(t.Context(), dir, os.Stderr); err != nil {
			t.Fatal(err)
		}
	}
	s, err := newStage(dir, pave, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	err = s.play(t.Context())
	s.close()
	if err != nil {
		t.Fatal(err)
	}
	a, err := artefact.Read(s.path("phase1/"+artefactName), artefact.Expect{Cluster: clusterName})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := a.Open(secret.Source{File: s.path("age.key")})
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(s.path("age.key"))
	if err != nil {
		t.Fatal(err)
	}
	password, err := os.ReadFile(s.path("vcenter-password"))
	if err != nil {
		t.Fatal(err)
	}
	b := opened.Bundle
	secrets := map[string][]byte{
		"age identity": bytes.TrimSpace(key), "vCenter's password": bytes.TrimSpace(password), "cluster secret": []byte(b.Cluster.Secret),
		"bootstrap token": []byte(b.Secrets.BootstrapToken), "encryption key": []byte(b.Secrets.SecretboxEncryptionSecret), "trustd token": []byte(b.TrustdInfo.Token),
	}
	for name, key := range map[string][]byte{"Talos CA's key": b.Certs.OS.Key, "Kubernetes CA's key": b.Certs.K8s.Key, "etcd CA's key": b.Certs.Etcd.Key} {
		block, _ := pem.Decode(key)
		secrets[name] = block.Bytes
	}
	said := s.said.String() + strings.Join(s.commands, "\n")
	if len(s.commands) < 14 || len(said) < 5000 {
		t.Errorf("only %d commands were run, and said %d bytes", len(s.commands), len(said))
	}
	secrettest.NotIn(t, "the demo", []byte(said), secrets)
}
