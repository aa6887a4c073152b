package vms

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
	talos "github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/internal/fault"
)

// known is the cluster's secrets, opened, and the sealed copy of them that
// machines carry.
type known struct {
	bundle      *talos.Bundle
	fingerprint string
	sealed      string // base64
}

// fingerprint names a set of secrets without giving anything of it away: it is
// that of a certificate that every client is shown.
func fingerprint(b *talos.Bundle) string {
	sum := sha256.Sum256(b.Certs.OS.Crt)
	return hex.EncodeToString(sum[:])
}

// readArtefact reads the artefact that is there already.
func (r *run) readArtefact() error {
	if _, err := os.Stat(r.Artefact); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	a, err := artefact.Read(r.Artefact, artefact.Expect{Cluster: string(r.Cluster.Metadata.Name), ID: r.there.id})
	if err != nil {
		return err
	}
	r.result.old = a
	if r.there.id == "" { // every machine was lost: the same cluster is made again
		r.there.id = a.Cluster.ID
	}
	return nil
}

// secrets gets the cluster's secrets: out of the artefact, out of the copy in
// vCenter, or new ones for a new cluster. A run that needs none gets none.
func (r *run) secrets(context.Context) error {
	if !r.needsSecrets() {
		return nil
	}
	var opened *artefact.Secrets
	var err error
	sealed, living := r.copyInVCenter()
	switch {
	case r.result.old != nil:
		opened, err = r.result.old.Open(r.Identity)
	case sealed != "":
		opened, err = r.openCopy(sealed)
	case living:
		return fault.Inputf("cluster %s has machines, and neither the artefact nor a sealed copy of its secrets is there", r.Cluster.Metadata.Name).
			Fix("give its artefact with --artefact: secrets of a living cluster are never made anew")
	default:
		return r.newCluster()
	}
	if err != nil {
		return err
	}
	r.known = &known{bundle: opened.Bundle, fingerprint: fingerprint(opened.Bundle), sealed: sealed}
	for _, m := range r.there.machines {
		if m.extra[keyPrint] != r.known.fingerprint {
			return fault.Inputf("the secrets in the artefact are not those that machine %s was made with", m.name).Fix("give the artefact of the cluster that is there now")
		}
	}
	if sealed == "" {
		return r.seal()
	}
	return nil
}

// needsSecrets tells whether something is made that has secrets in it.
func (r *run) needsSecrets() bool {
	return slices.ContainsFunc(r.result.Changes, func(c Change) bool {
		return c.Kind == KindArtefact || c.Kind == KindImage || c.Kind == KindMachine && c.Action == Create
	})
}

// newCluster makes an id and secrets.
func (r *run) newCluster() error {
	bundle, err := r.newSecrets(r.Cluster)
	if err != nil {
		return err
	}
	if r.there.id == "" {
		r.there.id = uuid.NewString()
	}
	r.known = &known{bundle: bundle, fingerprint: fingerprint(bundle)}
	return r.seal()
}

// seal makes the copy that machines carry: an artefact without machines.
func (r *run) seal() error {
	a := &artefact.Artefact{Cluster: r.cluster(), CreatedAt: time.Now().UTC().Truncate(time.Second), Nodes: []artefact.Node{}, Recipients: r.recipients()}
	if err := a.Seal(artefact.Secrets{Bundle: r.known.bundle}); err != nil {
		return err
	}
	content, err := a.Encode()
	if err != nil {
		return fault.Failedf("sealing: %w", err)
	}
	r.known.sealed = base64.StdEncoding.EncodeToString(content)
	return nil
}

// copyInVCenter gives the sealed copy of what is there, and tells whether there
// are machines. An image that is half-made has no machines, and its secrets no use.
func (r *run) copyInVCenter() (sealed string, living bool) {
	for _, m := range r.there.machines {
		if s := m.extra[keySealed]; s != "" {
			return s, true
		}
		living = true
	}
	for _, m := range r.there.images {
		if s := m.extra[keySealed]; s != "" && m.template {
			return s, living
		}
	}
	return "", living
}

func (r *run) openCopy(sealed string) (*artefact.Secrets, error) {
	content, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, fault.Inputf("the sealed copy of the secrets in vCenter is damaged").Fix("give the artefact with --artefact")
	}
	a, err := artefact.Parse("in vCenter", content, artefact.Expect{Cluster: string(r.Cluster.Metadata.Name), ID: r.there.id})
	if err != nil {
		return nil, err
	}
	return a.Open(r.Identity)
}

// cluster is how an artefact names the cluster.
func (r *run) cluster() artefact.Cluster {
	m, s := r.Cluster.Metadata, r.Cluster.Spec
	return artefact.Cluster{
		ID: r.there.id, Name: string(m.Name), Project: string(m.Project), Environment: string(m.Environment),
		Endpoint: string(s.Endpoint), Talos: s.Talos.Number(), Kubernetes: s.Kubernetes.Number(),
	}
}

func (r *run) recipients() []string {
	var all []string
	for _, recipient := range r.Cluster.Spec.Recipients {
		all = append(all, string(recipient))
	}
	return all
}
