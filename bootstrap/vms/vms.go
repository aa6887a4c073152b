// Package vms is phase 1 of the bootstrap: it makes the machines of a cluster in
// vSphere and hands their addresses and sealed secrets to phase 2.
//
// It promises that what is in vCenter is the only state there is. Every run looks
// at what exists, by name and by the cluster's id that everything carries, and
// does what is missing; a run that was killed anywhere is finished by running it
// again, with one set of machines and one set of secrets. Nothing that does not
// carry the cluster's id is ever changed or removed.
//
// The cluster's secrets are made once. They are in vCenter, sealed with age, as
// part of the creation of the first thing that is made: the cluster's image, a
// template of its own that all machines are cloned from. vCenter makes one thing
// of a name in a folder, so that of two runs only one can make the image, and the
// other one finds its secrets there.
package vms

import (
	"context"
	"log/slog"

	"github.com/pave-platform/pave/bootstrap/machineconfig"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// Plan gives what [Apply] would do, and does nothing.
func Plan(ctx context.Context, o Options) (*Result, error) {
	r, err := prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.vc.close(ctx)
	r.result.DryRun = true
	return r.result, nil
}

// Apply makes what is missing and writes the artefact. Of a machine that fails,
// the others do not hear: they are made, and the error names those that failed.
func Apply(ctx context.Context, o Options) (*Result, error) {
	r, err := prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.vc.close(ctx)
	if err := r.secrets(ctx); err != nil {
		return nil, err
	}
	if err := r.configure(); err != nil {
		return nil, err
	}
	if err := r.ensureImage(ctx); err != nil {
		return nil, err
	}
	if err := r.ensureMachines(ctx); err != nil {
		return nil, err
	}
	if err := r.handOver(); err != nil {
		return nil, err
	}
	return r.result, nil
}

// run is one run against one cluster.
type run struct {
	Options
	vc     *vcenter
	place  *place   // where it stands
	there  *present // what there is of it
	result *Result
	item   string // of a content library, where the image is made from one

	known   *known            // its secrets, where the run needs them
	configs map[string]string // machine configs, by node
}

// prepare looks: nothing is changed yet, and everything that can be seen to be
// wrong is.
func prepare(ctx context.Context, o Options) (*run, error) {
	o = o.withDefaults()
	vc, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, vc: vc, result: &Result{Cluster: string(o.Cluster.Metadata.Name), ArtefactPath: o.Artefact}}
	if err := r.look(ctx); err != nil {
		vc.close(ctx)
		return nil, err
	}
	return r, nil
}

func (r *run) look(ctx context.Context) (err error) {
	if r.place, err = resolve(ctx, r.vc, r.Cluster); err != nil {
		return err
	}
	if r.there, err = discover(ctx, r.vc, r.place, r.Cluster); err != nil {
		return err
	}
	if err := r.readArtefact(); err != nil {
		return err
	}
	return r.plan(ctx)
}

func (o Options) withDefaults() Options {
	if o.Username.IsZero() {
		o.Username = secret.Source{Env: "VSPHERE_USER"}
	}
	if o.Password.IsZero() {
		o.Password = secret.Source{Env: "VSPHERE_PASSWORD"}
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.newSecrets == nil {
		o.newSecrets = machineconfig.NewSecrets
	}
	return o
}

// configure makes the machine configs of all nodes, and has Talos check them,
// where one is needed.
func (r *run) configure() error {
	if r.known == nil {
		return nil
	}
	g, err := machineconfig.New(r.Cluster, r.known.bundle, r.Log)
	if err != nil {
		return err
	}
	r.configs = map[string]string{}
	for _, n := range r.Cluster.Spec.Nodes {
		if r.configs[string(n.Name)], err = g.Node(n); err != nil {
			return err
		}
	}
	return nil
}

// interrupted gives the error of an ended context, as the command line expects
// it, else err.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fault.Failedf("%w", ctx.Err()).Fix("run it again: it goes on where it stopped")
	}
	return err
}
