package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"

	"dagger/tests/internal/dagger"
)

const (
	vcenterUser = "pave@vsphere.local"
	newCluster  = "modules"
)

// clusterYAML is a cluster of one machine, which gets the address of the lab's vCenter.
const clusterYAML = `apiVersion: pave/v1
kind: Cluster
metadata: {name: %s, project: idp, environment: test}
spec:
  endpoint: https://vcenter:6443
  kubernetes: 1.36.0
  talos: 1.13.0
  vsphere: {server: "vcenter:8443", datacenter: DC0, cluster: DC0_C0, datastore: LocalDS_0, network: DC0_DVPG0}
  ova: {file: talos.ova, sha256: %s}
  install: {factory: factory.example.internal}
  nodes:
    - {name: cp-1, role: controlplane, cpu: 2, memory: 2Gi, disk: 10Gi}
  recipients: [%s]
`

// site is a vCenter, and what a cluster there needs.
type site struct {
	*dagger.Bootstrap
	source             *dagger.Directory
	username, password *dagger.Secret
	identity, stranger *dagger.Secret // age identities, of which one opens the artefact
	stop               func()
}

// Bootstrap tests a cluster's life, each function twice and with something wrong: from an empty vCenter to a
// Kubernetes API, its status and snapshot, the loss of its machine, the recovery and the end.
// +cache="never"
func (t *Tests) Bootstrap(ctx context.Context) error {
	s, err := t.site(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	artefact, err := s.phase1(ctx)
	if err != nil {
		return fmt.Errorf("phase 1: %w", err)
	}
	configs, err := s.phase2(ctx, artefact)
	if err != nil {
		return fmt.Errorf("phase 2: %w", err)
	}
	if err := s.looked(ctx, artefact); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	snapshot, err := s.snapshot(ctx, artefact)
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if err := s.gone(ctx); err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	if err := s.recovered(ctx, artefact, snapshot, configs); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return nil
}

func (t *Tests) site(ctx context.Context) (*site, error) {
	ours, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	lab := dag.Lab(dagger.LabOpts{Toolbox: t.Tools})
	ova := lab.Ova()
	line, err := ova.File("talos.ova.sha256").Contents(ctx)
	if err != nil {
		return nil, err
	}
	sum, _, _ := strings.Cut(line, " ")
	s := &site{
		source:   ova.WithNewFile("cluster.yaml", fmt.Sprintf(clusterYAML, newCluster, sum, ours.Recipient())),
		username: dag.SetSecret("bootstrap-username", vcenterUser), password: dag.SetSecret("bootstrap-password", rand.Text()),
		identity: dag.SetSecret("bootstrap-identity", ours.String()), stranger: dag.SetSecret("bootstrap-stranger", other.String()),
	}
	tls := lab.TLS([]string{"vcenter"})
	vcenter, err := lab.Vcenter(tls, vcenterUser, s.password).Start(ctx)
	if err != nil {
		return nil, err
	}
	s.stop = func() { _, _ = vcenter.Stop(context.WithoutCancel(ctx)) }
	s.Bootstrap = dag.Bootstrap(dagger.BootstrapOpts{Toolbox: t.Tools.WithServiceBinding("vcenter", vcenter), Ca: tls.File("ca.crt")})
	return s, nil
}

// plan gives the number of things that phase 1 would do.
func (s *site) plan(ctx context.Context, artefact *dagger.File) (int, error) {
	p, err := decode[struct{ Changes []any }](s.Plan(ctx, s.source, s.username, s.password, dagger.BootstrapPlanOpts{Artefact: artefact, AsJSON: true}))
	return len(p.Changes), err
}

// vms is phase 1, done once.
func (s *site) vms(ctx context.Context, o dagger.BootstrapVmsOpts) (*dagger.File, error) {
	return s.Vms(s.source, s.username, s.password, o).Sync(ctx)
}

func (s *site) phase1(ctx context.Context) (*dagger.File, error) {
	wrong := dag.SetSecret("bootstrap-wrong-password", "wrong")
	_, unknown := s.Plan(ctx, s.source, s.username, s.password, dagger.BootstrapPlanOpts{File: "nowhere.yaml"})
	_, login := s.Plan(ctx, s.source, s.username, wrong)
	before, err := s.plan(ctx, nil)
	if err != nil {
		return nil, err
	}
	again, err := s.plan(ctx, nil)
	if err != nil {
		return nil, err
	}
	_, broken := s.Vms(s.source.WithNewFile("cluster.yaml", "spec: 3\n"), s.username, s.password).Sync(ctx)
	artefact, err := s.vms(ctx, dagger.BootstrapVmsOpts{})
	if err != nil {
		return nil, err
	}
	after, err := s.plan(ctx, artefact)
	if err != nil {
		return nil, err
	}
	second, err := s.vms(ctx, dagger.BootstrapVmsOpts{Artefact: artefact})
	if err != nil {
		return nil, err
	}
	_, remade := s.vms(ctx, dagger.BootstrapVmsOpts{Identity: s.identity}) // from the copy that the machine carries
	_, foreign := s.vms(ctx, dagger.BootstrapVmsOpts{Identity: s.stranger})
	_, other := s.vms(ctx, dagger.BootstrapVmsOpts{Artefact: s.source.File("talos.ova.sha256")})
	return artefact, errors.Join(remade,
		refused(unknown, 2, "nowhere.yaml"),
		refused(login, 2, "password"),
		want("an empty vCenter would be changed", before > 0, true),
		want("changes in the second plan", again, before),
		refused(broken, 2, "cluster.yaml:1:"),
		want("changes in the plan after phase 1", after, 0),
		same(ctx, "the second artefact", artefact, second),
		refused(foreign, 2, "opens nothing"),
		refused(other, 2, "artefact"),
	)
}

func (s *site) phase2(ctx context.Context, artefact *dagger.File) (*dagger.Directory, error) {
	_, stranger := s.Cluster(artefact, s.stranger).Sync(ctx)
	_, tokenless := s.Cluster(artefact, s.identity, dagger.BootstrapClusterOpts{Downloads: "acme/platform"}).Sync(ctx)
	first, err := s.Cluster(artefact, s.identity, dagger.BootstrapClusterOpts{Timeout: "2m"}).Sync(ctx)
	if err != nil {
		return nil, err
	}
	second, err := s.Cluster(artefact, s.identity, dagger.BootstrapClusterOpts{Timeout: "2m", Configs: first}).Sync(ctx)
	if err != nil {
		return nil, err
	}
	return first, errors.Join(
		refused(stranger, 2, "opens nothing"),
		refused(tokenless, 2, "token"),
		same(ctx, "the second kubeconfig", first.File("kubeconfig"), second.File("kubeconfig")),
		same(ctx, "the second talosconfig", first.File("talosconfig"), second.File("talosconfig")),
	)
}

// looked looks at the cluster.
func (s *site) looked(ctx context.Context, artefact *dagger.File) error {
	_, stranger := s.Status(ctx, artefact, s.stranger)
	for range 2 {
		is, err := decode[struct {
			Healthy bool
			Etcd    []string
		}](s.Status(ctx, artefact, s.identity, dagger.BootstrapStatusOpts{AsJSON: true}))
		if err := errors.Join(err, want("healthy", is.Healthy, true), want("etcd", strings.Join(is.Etcd, " "), "cp-1")); err != nil {
			return err
		}
	}
	table, err := s.Status(ctx, artefact, s.identity)
	return errors.Join(err, refused(stranger, 2, "opens nothing"), want("the table has the node", strings.Contains(table, "cp-1  controlplane"), true))
}

func (s *site) snapshot(ctx context.Context, artefact *dagger.File) (*dagger.File, error) {
	_, stranger := s.EtcdSnapshot(artefact, s.stranger).Sync(ctx)
	first, err := s.EtcdSnapshot(artefact, s.identity).Sync(ctx)
	if err != nil {
		return nil, err
	}
	name, err := first.Name(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.EtcdSnapshot(artefact, s.identity).Sync(ctx); err != nil {
		return nil, err
	}
	living, err := s.Recover(ctx, artefact, s.identity, first, newCluster)
	return first, errors.Join(err,
		refused(stranger, 2, "opens nothing"),
		want("the snapshot's name tells the cluster", strings.HasPrefix(name, newCluster+"-20"), true),
		says("recovering a cluster that lives", living, "nothing to recover"),
	)
}

// gone takes the machine away.
func (s *site) gone(ctx context.Context) error {
	_, untyped := s.Destroy(ctx, s.source, s.username, s.password)
	shown, err := s.Destroy(ctx, s.source, s.username, s.password, dagger.BootstrapDestroyOpts{DryRun: true})
	if err != nil {
		return err
	}
	sure := dagger.BootstrapDestroyOpts{Confirm: newCluster}
	first, err := s.Destroy(ctx, s.source, s.username, s.password, sure)
	if err != nil {
		return err
	}
	second, err := s.Destroy(ctx, s.source, s.username, s.password, sure)
	return errors.Join(err,
		refused(untyped, 2, "--confirm "+newCluster),
		says("a dry run", shown, "would remove machine cp-1"),
		says("destroy", first, "remove machine cp-1"),
		want("what the second says", strings.TrimSpace(second), "nothing of cluster "+newCluster+" is there"),
	)
}

// recovered makes the machine again, with the cluster on it, and lets both go.
func (s *site) recovered(ctx context.Context, artefact, snapshot *dagger.File, configs *dagger.Directory) error {
	made, err := s.vms(ctx, dagger.BootstrapVmsOpts{Artefact: artefact, Identity: s.identity})
	if err != nil {
		return err
	}
	_, untyped := s.Recover(ctx, made, s.identity, snapshot.WithName(newCluster+"-20260102T030405Z.snapshot"), "another")
	_, stranger := s.Recover(ctx, made, s.stranger, snapshot, newCluster)
	_, none := s.Recover(ctx, made, s.identity, s.source.File("talos.ova"), newCluster)
	shown, err := s.Recover(ctx, made, s.identity, snapshot, newCluster, dagger.BootstrapRecoverOpts{DryRun: true})
	if err != nil {
		return err
	}
	first, err := s.Recover(ctx, made, s.identity, snapshot, newCluster)
	if err != nil {
		return err
	}
	second, err := s.Recover(ctx, made, s.identity, snapshot, newCluster)
	if err != nil {
		return err
	}
	back, err := s.Recover(ctx, made, s.identity, snapshot, newCluster, dagger.BootstrapRecoverOpts{Wipe: []string{"cp-1"}})
	if err != nil {
		return err
	}
	_, nobody := s.Recover(ctx, made, s.identity, snapshot, newCluster, dagger.BootstrapRecoverOpts{Wipe: []string{"cp-9"}})
	kept, err := s.Cluster(made, s.identity, dagger.BootstrapClusterOpts{Timeout: "2m", Configs: configs}).Sync(ctx)
	if err != nil {
		return err
	}
	_, err = s.Destroy(ctx, s.source, s.username, s.password, dagger.BootstrapDestroyOpts{Confirm: newCluster})
	return errors.Join(err,
		refused(untyped, 2, "--confirm "+newCluster),
		refused(untyped, 2, "taken 2026-01-02T03:04:05Z"),
		refused(stranger, 2, "opens nothing"),
		refused(nobody, 2, "cp-9"),
		refused(none, 2, "talos.ova"),
		says("a dry run", shown, "would be recovered on cp-1"),
		says("recover", first, "recovered on cp-1"),
		says("the second", second, "nothing to recover"),
		says("a recovery that wipes", back, "etcd of cp-1 thrown away"),
		same(ctx, "the kubeconfig after the recovery", configs.File("kubeconfig"), kept.File("kubeconfig")),
	)
}

// same wants two files to have the same content.
func same(ctx context.Context, what string, a, b *dagger.File) error {
	one, err := a.Contents(ctx)
	if err != nil {
		return err
	}
	other, err := b.Contents(ctx)
	return errors.Join(err, want(what+" is the first one", one == other, true))
}

// says wants words in what was said.
func says(what, said, words string) error {
	if !strings.Contains(said, words) {
		return fmt.Errorf("%s says %q, not %q", what, said, words)
	}
	return nil
}
