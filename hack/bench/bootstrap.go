package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/secret"
)

const (
	machines   = 50
	taskDelay  = 200 * time.Millisecond
	smallOVA   = 1 << 20
	largeOVA   = 300 << 20
	imports    = 5 // what 50 take is extrapolated
	vsphere    = "pave"
	simulators = "govmomi's simulator of vCenter in the same process"
)

// site is a vCenter with an OVA beside it, and what gets in.
type site struct {
	*vcenter.Server
	dir, ca, sum        string
	recipient, identity string
	user                *url.Userinfo
}

// newSite starts a vCenter. It must be closed.
func (l *lab) newSite(ctx context.Context, name string, delay time.Duration, ova int64) (*site, error) {
	s := &site{dir: l.path(name), user: url.UserPassword(vsphere, vsphere)}
	made, err := ca.Run(ctx, ca.Options{Dir: s.dir, Hosts: []string{"127.0.0.1", "localhost"}})
	if err != nil {
		return nil, err
	}
	certificate, err := tls.LoadX509KeyPair(made.Cert, made.Key)
	if err != nil {
		return nil, err
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	s.ca, s.recipient, s.identity = made.CA, key.Recipient().String(), filepath.Join(s.dir, "age.key")
	for file, content := range map[string]string{s.identity: key.String(), filepath.Join(s.dir, "vsphere"): vsphere} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	if s.sum, err = vcenter.WriteOVA(filepath.Join(s.dir, "talos.ova"), ova); err != nil {
		return nil, err
	}
	s.Server, err = vcenter.Start(vcenter.Options{Certificate: certificate, Username: vsphere, Password: vsphere, TaskDelay: delay})
	return s, err
}

// cluster is cluster.yaml with a control plane and so many workers.
func (s *site) cluster(workers int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: pave/v1
kind: Cluster
metadata: {name: bench, project: idp, environment: test}
spec:
  vip: 10.20.0.10
  kubernetes: 1.36.0
  talos: 1.13.0
  vsphere: {server: %q, datacenter: %s, cluster: %s, datastore: %s, network: %s}
  ova: {file: talos.ova, sha256: %s}
  install: {factory: factory.example.internal}
  recipients: [%s]
  nodes:
    - {name: bench-cp, role: controlplane}
`, s.Host, vcenter.Datacenter, vcenter.Cluster, vcenter.Datastore, vcenter.Network, s.sum, s.recipient)
	for i := range workers {
		fmt.Fprintf(&b, "    - {name: bench-w-%d, role: worker}\n", i)
	}
	return b.String()
}

func (s *site) apply(ctx context.Context, workers int) (*vms.Result, time.Duration, error) {
	c, err := config.Parse(filepath.ToSlash(filepath.Join(s.dir, "cluster.yaml")), []byte(s.cluster(workers)))
	if err != nil {
		return nil, 0, err
	}
	login := secret.Source{File: filepath.Join(s.dir, "vsphere")}
	begun := time.Now()
	r, err := vms.Apply(ctx, vms.Options{
		Cluster: c, Username: login, Password: login, CAFile: s.ca, Artefact: filepath.Join(s.dir, "out.json"), Identity: secret.Source{File: s.identity},
	})
	return r, time.Since(begun), err
}

// fifty adds 50 workers to a cluster that has its image and a control plane, and
// gives the time on the clock, and that of the machine that took longest.
func (l *lab) fifty(ctx context.Context, row string, run int) (whole, slowest time.Duration, err error) {
	s, err := l.newSite(ctx, fmt.Sprintf("%s-%d", row, run), taskDelay, smallOVA)
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	if _, _, err := s.apply(ctx, 0); err != nil {
		return 0, 0, err
	}
	r, whole, err := s.apply(ctx, machines)
	if err != nil {
		return 0, 0, err
	}
	longest := slices.MaxFunc(r.Nodes, func(a, b vms.Node) int { return int((a.Seconds - b.Seconds) * 1000) })
	return whole, time.Duration(longest.Seconds * float64(time.Second)), nil
}

func bootstrapVMs(ctx context.Context, l *lab) (outcome, error) {
	o := outcome{Unit: "x", Commands: []string{"in process: vms.Apply, against " + simulators}}
	var last time.Duration
	for i := range l.runs {
		whole, slowest, err := l.fifty(ctx, "vms", i)
		if err != nil {
			return outcome{}, err
		}
		o.Runs = append(o.Runs, whole.Seconds()/slowest.Seconds())
		last = whole
	}
	o.Value = median(o.Runs)
	o.Compared = fmt.Sprintf("%.1f s for all of them, logging in, looking, tags and the artefact among it", last.Seconds())
	return o, nil
}

func bootstrapImports(ctx context.Context, l *lab) (outcome, error) {
	s, err := l.newSite(ctx, "peer", taskDelay, smallOVA)
	if err != nil {
		return outcome{}, err
	}
	defer s.Close()
	begun := time.Now()
	if err := s.importEach(ctx, imports); err != nil {
		return outcome{}, err
	}
	serial := time.Since(begun) * machines / imports
	o := outcome{Unit: "x", Commands: []string{"in process: govmomi's importer, a reconfiguration and power on for each, against " + simulators}}
	for i := range l.runs {
		whole, _, err := l.fifty(ctx, "imports", i)
		if err != nil {
			return outcome{}, err
		}
		o.Runs = append(o.Runs, serial.Seconds()/whole.Seconds())
	}
	o.Value = median(o.Runs)
	o.Compared = fmt.Sprintf("%.0f s, extrapolated from %d, of an OVA of 1 MB", serial.Seconds(), imports)
	return o, nil
}

func bootstrapMemory(ctx context.Context, l *lab) (outcome, error) {
	pave, err := l.paveBinary(ctx)
	if err != nil {
		return outcome{}, err
	}
	var o outcome
	for i := range l.runs {
		s, err := l.newSite(ctx, fmt.Sprintf("memory-%d", i), 0, largeOVA)
		if err != nil {
			return outcome{}, err
		}
		r, argv, err := l.inProcess(ctx, s, pave)
		s.Close()
		if err != nil {
			return outcome{}, err
		}
		o.Runs = append(o.Runs, r.peak)
		o.Commands = []string{l.typed(l.dir, argv...)}
	}
	o.Unit, o.Value = "MB", slices.Max(o.Runs)
	return o, nil
}

// inProcess runs the binary against a vCenter.
func (l *lab) inProcess(ctx context.Context, s *site, pave string) (ran, []string, error) {
	file, login := filepath.Join(s.dir, "cluster.yaml"), filepath.Join(s.dir, "vsphere")
	if err := os.WriteFile(file, []byte(s.cluster(4)), 0o600); err != nil {
		return ran{}, nil, err
	}
	argv := []string{
		pave, "bootstrap", "vms", "apply", "--file=" + file, "--artefact=" + filepath.Join(s.dir, "out.json"), "--ca-file=" + s.ca,
		"--vsphere-username-file=" + login, "--vsphere-password-file=" + login,
	}
	r, err := l.exec(ctx, l.dir, argv...)
	return r, argv, err
}
