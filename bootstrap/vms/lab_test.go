package vms_test

import (
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/bootstrap/machineconfig"
	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/internal/fault"
)

// slowSecrets are made once: a large key takes a second.
var slowSecrets = sync.OnceValues(func() (*secrets.Bundle, error) {
	c, err := config.Parse("cluster.yaml", []byte(versionsOnly))
	if err != nil {
		return nil, err
	}
	return machineconfig.NewSecrets(c)
})

const versionsOnly = `apiVersion: pave/v1
kind: Cluster
metadata: {name: lab, project: idp, environment: test}
spec:
  vip: 10.20.0.10
  kubernetes: 1.36.0
  talos: 1.13.0
  vsphere: {server: vcenter.example.internal, datacenter: d, cluster: c, datastore: s, network: n}
  ova: {template: talos}
  install: {factory: factory.example.internal}
  nodes: [{name: lab-cp-1, role: controlplane}]
  recipients: [age1yl66hyuk9qffqzw3y5yc55hfe0s8e6u22jc46zs4jc5x7yf7xahsz9mha5]
`

// quickSecrets are another set each time: the tokens and the Talos CA are new, the
// rest is not.
func quickSecrets(*config.Cluster) (*secrets.Bundle, error) {
	made, err := slowSecrets()
	if err != nil {
		return nil, err
	}
	return vary(*made)
}

func vary(b secrets.Bundle) (*secrets.Bundle, error) {
	token := strings.ToLower(rand.Text())
	cluster, tokens, trustd, certs := *b.Cluster, *b.Secrets, *b.TrustdInfo, *b.Certs
	tokens.BootstrapToken, trustd.Token = token[:6]+"."+token[6:22], token[2:8]+"."+token[8:24]
	clock := secrets.NewClock()
	ca, err := secrets.NewTalosCA(clock.Now())
	if err != nil {
		return nil, err
	}
	os := *certs.OS
	os.Crt, os.Key = ca.CrtPEM, ca.KeyPEM
	certs.OS = &os
	return &secrets.Bundle{Clock: clock, Cluster: &cluster, Secrets: &tokens, TrustdInfo: &trustd, Certs: &certs}, nil
}

func destroy(t testing.TB, o vms.Options) *vms.Result {
	t.Helper()
	r, err := vms.Destroy(t.Context(), vms.DestroyOptions{Options: o, Confirm: string(o.Cluster.Metadata.Name)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wants runs apply, which has to fail with the error.
func wants(t testing.TB, o vms.Options, want string) error {
	t.Helper()
	_, err := vms.Apply(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v\nwant %s", err, want)
	}
	return err
}

// wantsInput is [wants] for what the caller did wrong.
func wantsInput(t testing.TB, o vms.Options, want string) {
	t.Helper()
	if err := wants(t, o, want); fault.KindOf(err) != fault.Input {
		t.Errorf("not an input error: %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
