package artefact

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"filippo.io/age"
	clientconfig "github.com/siderolabs/talos/pkg/machinery/client/config"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"
	"github.com/siderolabs/talos/pkg/machinery/role"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// Secrets is what is sealed.
type Secrets struct {
	// Bundle is the cluster's secrets: its CAs, keys and tokens. Everything else
	// that is secret can be made from it.
	Bundle *secrets.Bundle
	// MachineConfigs are those that the machines were started with, by name.
	MachineConfigs map[string]string
}

// sealed is what age encrypts: the secrets, and what they belong to.
type sealed struct {
	Clear          string            `json:"clear"` // the digest of what is in clear
	Bundle         *secrets.Bundle   `json:"bundle"`
	MachineConfigs map[string]string `json:"machineConfigs"`
}

// maxSealed is several times a cluster of 500 nodes.
const maxSealed = 64 << 20

// Seal fills Kind, Version and Sealed of a, whose other fields are set, with s
// encrypted for a.Recipients.
func (a *Artefact) Seal(s Secrets) error {
	a.Kind, a.Version, a.Checksum, a.Sealed = Kind, Version, "", nil
	recipients, err := age.ParseRecipients(strings.NewReader(strings.Join(a.Recipients, "\n")))
	if err != nil {
		return fault.Inputf("artefact: recipients: %w", err).Fix("give the public half of an age key, which begins with age1")
	}
	inClear, err := a.clear()
	if err != nil {
		return fault.Failedf("artefact: %w", err)
	}
	plain, err := json.Marshal(sealed{Clear: inClear, Bundle: s.Bundle, MachineConfigs: s.MachineConfigs})
	if err != nil {
		return fault.Failedf("artefact: %w", err)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipients...)
	if err == nil {
		_, err = w.Write(plain)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return fault.Failedf("artefact: sealing: %w", err)
	}
	a.Sealed = b.Bytes()
	return nil
}

// Open gives the secrets with an age identity, the secret half of a key whose
// public half is among the recipients. It refuses an artefact whose clear part is
// not the one that was sealed, whatever its checksum says.
func (a *Artefact) Open(identity secret.Source) (*Secrets, error) {
	key, err := identity.Read()
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, fault.Inputf("the artefact of cluster %s is sealed", a.Cluster.Name).
			Fix("give the age identity of one of its recipients by file or variable: %s", strings.Join(a.Recipients, ", "))
	}
	identities, err := age.ParseIdentities(bytes.NewReader(key))
	if err != nil { // the library's error can quote the key
		return nil, fault.Inputf("the age identity cannot be read").Fix("give the file as age-keygen wrote it, with a line that begins with AGE-SECRET-KEY-")
	}
	r, err := age.Decrypt(bytes.NewReader(a.Sealed), identities...)
	if _, none := errors.AsType[*age.NoIdentityMatchError](err); none {
		return nil, fault.Inputf("the age identity opens nothing in the artefact of cluster %s", a.Cluster.Name).
			Fix("give that of one of its recipients: %s", strings.Join(a.Recipients, ", "))
	}
	if err != nil {
		return nil, fault.Inputf("the artefact's sealed part is damaged: %w", err).Fix("%s", again)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSealed))
	if err != nil {
		return nil, fault.Inputf("the artefact's sealed part is damaged: %w", err).Fix("%s", again)
	}
	var s sealed
	if err := json.Unmarshal(plain, &s); err != nil || s.Bundle == nil { // the error can quote a secret
		return nil, fault.Inputf("the artefact's sealed part is not what pave sealed").Fix("%s", again)
	}
	inClear, err := a.clear()
	if err != nil {
		return nil, fault.Failedf("artefact: %w", err)
	}
	if s.Clear != inClear {
		return nil, fault.Inputf("the artefact of cluster %s is forged: its addresses or versions are not those that were sealed with its secrets", a.Cluster.Name).Fix("%s", again)
	}
	s.Bundle.Clock = secrets.NewClock()
	return &Secrets{Bundle: s.Bundle, MachineConfigs: s.MachineConfigs}, nil
}

// Reseal seals the same secrets for other recipients.
func (a *Artefact) Reseal(identity secret.Source, recipients []string) error {
	s, err := a.Open(identity)
	if err != nil {
		return err
	}
	a.Recipients = recipients
	return a.Seal(*s)
}

// Talosconfig gives an administrator's access to the Talos API of the cluster's
// machines: a new client certificate, valid for a year from now.
func (s *Secrets) Talosconfig(a *Artefact) (*clientconfig.Config, error) {
	certificate, err := s.Bundle.GenerateTalosAPIClientCertificate(role.MakeSet(role.Admin))
	if err != nil {
		return nil, fault.Failedf("talosconfig: %w", err)
	}
	var endpoints []string
	for _, n := range a.ControlPlanes() {
		endpoints = append(endpoints, n.Address)
	}
	return clientconfig.NewConfig(a.Cluster.Name, endpoints, s.Bundle.Certs.OS.Crt, certificate), nil
}
