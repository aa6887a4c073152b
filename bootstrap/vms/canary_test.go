package vms_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/vcentertest"
)

// TestSecretsStaySecret looks for every secret of a cluster in everything that is
// said and written: the log, results, errors, the artefact, and the marks that
// machines carry besides the config that Talos needs there.
func TestSecretsStaySecret(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	var said bytes.Buffer
	o := options(t, l, l.ClusterYAML(nodes...))
	o.Log = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	say := func(r *vms.Result, err error) {
		if r != nil {
			r.Summary(&said)
			must(t, json.NewEncoder(&said).Encode(r))
		}
		fmt.Fprintf(&said, "%v\n%#v\n", err, err)
	}
	say(vms.Plan(t.Context(), o))
	l.Model.Service.AddFaultRule(&simulator.FaultInjectionRule{
		MethodName: "CloneVM_Task", ObjectType: "*", ObjectName: "*", Probability: 1, FaultType: simulator.FaultTypeCustom,
		Fault: &types.InvalidArgument{InvalidProperty: "spec.config"}, MaxCount: 1, Enabled: true,
	})
	say(vms.Apply(t.Context(), o))
	say(vms.Apply(t.Context(), o))
	_, s := open(t, o)
	written, err := os.ReadFile(o.Artefact)
	must(t, err)
	said.Write(written)
	for _, m := range l.Machines(t) {
		for key, value := range vcentertest.Extra(m) {
			if key != "guestinfo.talos.config" {
				fmt.Fprintln(&said, key, value)
			}
		}
		fmt.Fprintln(&said, m.Config.Annotation)
	}
	broken := o
	broken.Identity.File = l.Write(t, "broken", "AGE-SECRET-KEY-1CANARY\n")
	must(t, os.Remove(o.Artefact))
	say(vms.Apply(t.Context(), broken))
	broken = o
	broken.Password.File = l.Write(t, "other", vcentertest.Password+"-not")
	say(vms.Apply(t.Context(), broken))
	say(vms.Destroy(t.Context(), vms.DestroyOptions{Options: o, Confirm: "lab"}))

	if said.Len() < 10_000 {
		t.Errorf("only %d bytes were said", said.Len())
	}
	all := said.String()
	for _, canary := range []string{
		vcentertest.Password, l.Identity, "AGE-SECRET-KEY-1CANARY",
		s.Bundle.Cluster.Secret, s.Bundle.TrustdInfo.Token, s.Bundle.Secrets.BootstrapToken, s.Bundle.Secrets.SecretboxEncryptionSecret,
		body(s.Bundle.Certs.OS.Key), body(s.Bundle.Certs.Etcd.Key), body(s.Bundle.Certs.K8s.Key), body(s.Bundle.Certs.K8sAggregator.Key),
		body(s.Bundle.Certs.K8sServiceAccount.Key),
	} {
		if len(canary) < 20 {
			t.Fatalf("%q is no canary", canary)
		}
		gittest.NoSecret(t, all, canary)
	}
	for name, config := range s.MachineConfigs {
		gittest.NoSecret(t, all, strings.TrimSpace(config[:200]))
		if !strings.Contains(config, s.Bundle.TrustdInfo.Token) {
			t.Errorf("the config of %s has no token: the test looks for nothing", name)
		}
	}
}

// body is a line of a PEM key.
func body(key []byte) string { return strings.Split(string(key), "\n")[1] }
