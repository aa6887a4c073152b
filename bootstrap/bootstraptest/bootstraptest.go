// Package bootstraptest makes clusters for tests: an artefact as phase 1 leaves
// it, and the double of the Talos nodes that it names.
package bootstraptest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"
	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/encoder"
	"github.com/siderolabs/talos/pkg/machinery/config/generate"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"
	"github.com/siderolabs/talos/pkg/machinery/config/machine"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/internal/dev/talos"
	"github.com/pave-platform/pave/internal/outfile"
	"github.com/pave-platform/pave/internal/secret"
)

// Name is what the clusters are called.
const Name = "platform"

// Shape says what a cluster is to be like.
type Shape struct {
	ControlPlanes int
	Workers       int
	Off           []string // nodes that stay off
	Foreign       []string // nodes that have another cluster's secrets
	Bare          []string // nodes that have no machine config
	Alone         []string // control planes that never join etcd
	Endpoint      string   // as https://host:port; empty: an address of its own
	Skew          map[string]time.Duration
	Kubernetes    http.Handler
	Joined        func(talos.Joined)
	Step          time.Duration
}

// Cluster is a cluster before phase 2.
type Cluster struct {
	World    *talos.World
	Artefact string // path
	Identity secret.Source
	Bundle   *secrets.Bundle
	Content  *artefact.Artefact
	Dir      string // of the test's files

	shape Shape
	net   string // the first three numbers of the addresses
}

var contract = config.TalosVersionCurrent

// bundles are slow to make: an RSA key is among them.
var (
	ours      = sync.OnceValues(func() (*secrets.Bundle, error) { return secrets.NewBundle(yesterday(), contract) })
	strangers = sync.OnceValues(func() (*secrets.Bundle, error) { return secrets.NewBundle(yesterday(), contract) })
)

// yesterday makes CAs that nodes with a clock that is behind know, too.
func yesterday() secrets.Clock { return secrets.NewFixedClock(time.Now().Add(-24 * time.Hour)) }

// Start makes the cluster's artefact and boots its nodes.
func Start(t testing.TB, s Shape) *Cluster {
	t.Helper()
	bundle, err := ours()
	must(t, err)
	log := &diary{}
	c := &Cluster{
		World:  talos.New(context.WithoutCancel(t.Context()), talos.Options{Step: s.Step, Kubernetes: s.Kubernetes, Joined: s.Joined, Log: slog.New(slog.NewTextHandler(log, nil))}),
		Bundle: bundle, Dir: t.TempDir(), shape: s, net: network(t),
	}
	t.Cleanup(func() {
		c.World.Close()
		if t.Failed() {
			t.Logf("the nodes said:\n%s", log.String())
		}
	})
	id, err := age.GenerateX25519Identity()
	must(t, err)
	c.Identity = secret.Source{File: filepath.Join(c.Dir, "age.key")}
	must(t, os.WriteFile(c.Identity.File, []byte(id.String()+"\n"), 0o600))
	c.Artefact = filepath.Join(c.Dir, artefact.FileName)
	c.Content = &artefact.Artefact{
		Cluster: artefact.Cluster{
			ID: uuid.NewString(), Name: Name, Project: "idp", Environment: "test",
			Endpoint: fmt.Sprintf("https://%s.250:6443", c.net), Talos: "1.13.0", Kubernetes: "1.36.3",
		},
		CreatedAt: time.Now().UTC().Truncate(time.Second), Recipients: []string{id.Recipient().String()},
	}
	if s.Endpoint != "" {
		c.Content.Cluster.Endpoint = s.Endpoint
	}
	for i := range s.ControlPlanes {
		c.Add(t, fmt.Sprintf("cp-%d", i+1), "controlplane")
	}
	for i := range s.Workers {
		c.Add(t, fmt.Sprintf("worker-%d", i+1), "worker")
	}
	return c
}

// Add adds a node to the artefact and boots it, as phase 1 does when it is run
// with one more.
func (c *Cluster) Add(t testing.TB, name, role string) {
	t.Helper()
	address := fmt.Sprintf("%s.%d", c.net, len(c.Content.Nodes)+1)
	c.Content.Nodes = append(c.Content.Nodes, artefact.Node{
		Name: name, Role: role, Address: address, Addresses: []string{address},
		VM: fmt.Sprintf("vm-%d", 40+len(c.Content.Nodes)), UUID: uuid.NewString(),
	})
	bundle, o := c.Bundle, talos.NodeOptions{Name: name, Address: address, Skew: c.shape.Skew[name], Off: has(c.shape.Off, name), Alone: has(c.shape.Alone, name)}
	if has(c.shape.Foreign, name) {
		var err error
		bundle, err = strangers()
		must(t, err)
	}
	if !has(c.shape.Bare, name) {
		o.Config = c.MachineConfig(t, bundle, role)
	}
	_, err := c.World.Add(o)
	must(t, err)
	c.Seal(t)
}

// MachineConfig makes a node's config.
func (c *Cluster) MachineConfig(t testing.TB, bundle *secrets.Bundle, role string) []byte {
	t.Helper()
	in, err := generate.NewInput(Name, c.Content.Cluster.Endpoint, "1.36.3", generate.WithSecretsBundle(bundle), generate.WithVersionContract(contract))
	must(t, err)
	kind, err := machine.ParseType(role)
	must(t, err)
	p, err := in.Config(kind)
	must(t, err)
	raw, err := p.EncodeBytes(encoder.WithComments(encoder.CommentsDisabled))
	must(t, err)
	return raw
}

// Seal writes the artefact again.
func (c *Cluster) Seal(t testing.TB) {
	t.Helper()
	must(t, c.Content.Seal(artefact.Secrets{Bundle: c.Bundle, MachineConfigs: map[string]string{}}))
	_, err := c.Content.Write(c.Artefact)
	must(t, err)
}

// File is a path in the test's folder.
func (c *Cluster) File(name string) string { return filepath.Join(c.Dir, name) }

// Count tells how many calls of a method the nodes have done.
func (c *Cluster) Count(method string) int {
	n := 0
	for _, call := range c.World.Calls() {
		if call.Method == method {
			n++
		}
	}
	return n
}

// AtCall has do called when a node has done the nth call from now on, and the
// caller does not know yet.
func (c *Cluster) AtCall(n int, do func()) {
	var calls atomic.Int64
	c.World.After(func(talos.Call) {
		if calls.Add(1) == int64(n) {
			do()
		}
	})
}

// diary is what the nodes say.
type diary struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.buf.Write(b)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.buf.String()
}

// network takes a part of loopback that nobody else is likely to use.
func network(t testing.TB) string {
	t.Helper()
	number := func() int64 {
		n, err := rand.Int(rand.Reader, big.NewInt(250))
		must(t, err)
		return n.Int64() + 2
	}
	return fmt.Sprintf("127.%d.%d", number(), number())
}

func has(list []string, name string) bool {
	for _, n := range list {
		if n == name {
			return true
		}
	}
	return false
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Write writes a file in one step.
func Write(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	must(t, outfile.WritePrivate(filepath.Join(dir, name), content))
}

// Remove removes a file.
func Remove(t testing.TB, dir, name string) {
	t.Helper()
	must(t, os.Remove(filepath.Join(dir, name)))
}
