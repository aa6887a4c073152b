package vms_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/internal/vcentertest"
)

// errand is what a process that is killed does: one apply.
type errand struct {
	Dir, CAFile, Username, Password, Identity, Artefact string
	Secrets                                             string // file with what new secrets are varied from
}

func TestMain(m *testing.M) { killtest.Main(m, child) }

func child(ctx context.Context, e errand) error {
	c, err := config.Read(filepath.Join(e.Dir, "cluster.yaml"))
	if err != nil {
		return err
	}
	o := vms.WithSecrets(vms.Options{
		Cluster: c, Username: secret.Source{File: e.Username}, Password: secret.Source{File: e.Password}, CAFile: e.CAFile,
		Identity: secret.Source{File: e.Identity}, Artefact: e.Artefact, Timeout: time.Minute,
	}, func(*config.Cluster) (*secrets.Bundle, error) {
		content, err := os.ReadFile(e.Secrets)
		if err != nil {
			return nil, err
		}
		var b secrets.Bundle
		if err := json.Unmarshal(content, &b); err != nil {
			return nil, err
		}
		return vary(b)
	})
	_, err = vms.Apply(ctx, o)
	return err
}

// killer kills a process at its nth call to vCenter, before or after the call was
// done.
type killer struct {
	mu    sync.Mutex
	at    int
	after bool
	calls int
	kill  func()
}

func (k *killer) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "pave" {
			next.ServeHTTP(w, r)
			return
		}
		k.mu.Lock()
		k.calls++
		now, kill := k.calls == k.at, k.kill
		k.mu.Unlock()
		if now && !k.after {
			kill()
			return
		}
		next.ServeHTTP(w, r)
		if now {
			kill()
		}
	})
}

// arm makes the nth call the last one, and gives how many there were before.
func (k *killer) arm(at int, after bool, kill func()) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	calls := k.calls
	k.at, k.after, k.kill, k.calls = at, after, kill, 0
	return calls
}

// TestARunKilledAtAnyCallIsFinishedByTheNext kills a run at each of its calls to
// vCenter in turn and runs it again: one set of machines, one set of secrets.
func TestARunKilledAtAnyCallIsFinishedByTheNext(t *testing.T) {
	k := &killer{}
	l := vcentertest.Start(t, vcenter.Options{Wrap: k.wrap})
	yaml := l.ClusterYAML(nodes[0], nodes[1])
	l.Write(t, "cluster.yaml", yaml)
	made, err := slowSecrets()
	must(t, err)
	content, err := json.Marshal(made)
	must(t, err)
	o := options(t, l, yaml)
	o.Log = nil
	e := errand{
		Dir: l.Dir, CAFile: l.CAFile, Username: l.UsernameFile, Password: l.PasswordFile, Identity: l.IdentityFile, Artefact: o.Artefact,
		Secrets: l.Write(t, "bundle.json", string(content)),
	}
	kills := 0
	for at := 1; ; at++ {
		killed := run(t, e, k, at, at%2 == 0)
		if killed {
			kills++
		}
		apply(t, o)
		oneCluster(t, l, o)
		destroy(t, o)
		must(t, os.Remove(o.Artefact))
		if !killed {
			break
		}
	}
	t.Logf("killed at each of %d calls", kills)
	if kills < 40 {
		t.Errorf("a run has only %d calls", kills)
	}
}

// run starts a child that is killed at a call, and tells whether it was.
func run(t *testing.T, e errand, k *killer, at int, after bool) bool {
	t.Helper()
	defer k.arm(0, false, nil)
	return killtest.Run(t, e, func(kill func()) { k.arm(at, after, kill) })
}

// oneCluster checks that there is one set of machines, and that all of them have
// the secrets of the artefact.
func oneCluster(t *testing.T, l *vcentertest.Lab, o vms.Options) {
	t.Helper()
	a, s := open(t, o)
	machines := l.Machines(t)
	if len(machines) != len(o.Cluster.Spec.Nodes)+1 {
		t.Fatalf("there are %d machines and images", len(machines))
	}
	prints := map[string]bool{}
	for _, m := range machines {
		extra := vcentertest.Extra(m)
		prints[extra["pave.cluster.fingerprint"]] = true
		if extra["pave.cluster.id"] != a.Cluster.ID {
			t.Errorf("%s is of cluster %s, the artefact of %s", m.Name, extra["pave.cluster.id"], a.Cluster.ID)
		}
		if !m.Config.Template && m.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
			t.Errorf("%s is off", m.Name)
		}
	}
	if len(prints) != 1 || !prints[vms.Fingerprint(s.Bundle)] {
		t.Errorf("secrets of machines %v, of the artefact %s", prints, vms.Fingerprint(s.Bundle))
	}
	if _, err := os.Stat(o.Artefact); err != nil || a.Kind != artefact.Kind {
		t.Error(err)
	}
}
