package vms

import (
	"time"

	"github.com/pave-platform/pave/bootstrap/artefact"
)

// handOver writes the artefact, unless the one that is there says the same.
func (r *run) handOver() error {
	if r.result.old != nil && r.sameAs(r.result.old) {
		return nil
	}
	a := &artefact.Artefact{
		Cluster: r.cluster(), CreatedAt: time.Now().UTC().Truncate(time.Second), Nodes: r.artefactNodes(), Recipients: r.recipients(),
	}
	if err := a.Seal(artefact.Secrets{Bundle: r.known.bundle, MachineConfigs: r.configs}); err != nil {
		return err
	}
	_, err := a.Write(r.Artefact)
	r.result.ID = r.there.id
	return err
}
