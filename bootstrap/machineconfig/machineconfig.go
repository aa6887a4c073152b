// Package machineconfig makes the Talos machine configs of a cluster's nodes. It
// promises that a config it gives is one that Talos accepts on vSphere, and that
// the same cluster.yaml and secrets give the same bytes.
package machineconfig

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/container"
	"github.com/siderolabs/talos/pkg/machinery/config/encoder"
	"github.com/siderolabs/talos/pkg/machinery/config/generate"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"
	talos "github.com/siderolabs/talos/pkg/machinery/config/machine"
	"github.com/siderolabs/talos/pkg/machinery/config/types/network"

	cluster "github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/internal/fault"
)

// NewSecrets makes the secrets of a new cluster: its CAs, keys and tokens. They
// are made once in a cluster's life.
func NewSecrets(c *cluster.Cluster) (*secrets.Bundle, error) {
	contract, err := config.ParseContractFromVersion(c.Spec.Talos.Number())
	if err != nil {
		return nil, fault.Inputf("spec.talos: %w", err)
	}
	bundle, err := secrets.NewBundle(secrets.NewClock(), contract)
	if err != nil {
		return nil, fault.Failedf("Talos secrets: %w", err)
	}
	return bundle, nil
}

// Generator makes the configs of one cluster's nodes.
type Generator struct {
	cluster *cluster.Cluster
	input   *generate.Input
	roots   string // PEM of the CAs that the nodes trust
	log     *slog.Logger
}

// New reads what cluster.yaml names and prepares the configs; log hears the
// warnings of Talos's validation.
func New(c *cluster.Cluster, bundle *secrets.Bundle, log *slog.Logger) (*Generator, error) {
	contract, err := config.ParseContractFromVersion(c.Spec.Talos.Number())
	if err != nil {
		return nil, fault.Inputf("spec.talos: %w", err)
	}
	roots, err := trusted(c)
	if err != nil {
		return nil, err
	}
	options := []generate.Option{
		generate.WithSecretsBundle(bundle),
		generate.WithVersionContract(contract),
		generate.WithInstallDisk(string(c.Spec.Install.Disk)),
		generate.WithInstallImage(installer(c)),
	}
	if c.Spec.VIP != "" {
		options = append(options, generate.WithAdditionalSubjectAltNames([]string{string(c.Spec.VIP)}))
	}
	for _, m := range c.Spec.RegistryMirrors {
		var endpoints []string
		for _, e := range m.Endpoints {
			endpoints = append(endpoints, string(e))
		}
		options = append(options, generate.WithRegistryMirror(string(m.Registry), endpoints...))
	}
	input, err := generate.NewInput(string(c.Metadata.Name), string(c.Spec.Endpoint), c.Spec.Kubernetes.Number(), options...)
	if err != nil {
		return nil, fault.Failedf("machine configs: %w", err)
	}
	return &Generator{cluster: c, input: input, roots: roots, log: log}, nil
}

// Node gives the machine config of a node, as YAML.
func (g *Generator) Node(n cluster.Node) (string, error) {
	role := talos.TypeWorker
	if n.Role == cluster.ControlPlane {
		role = talos.TypeControlPlane
	}
	generated, err := g.input.Config(role)
	if err != nil {
		return "", fault.Failedf("machine config of %s: %w", n.Name, err)
	}
	documents := slices.DeleteFunc(generated.Documents(), isHostname)
	more, err := g.documents(n)
	if err != nil {
		return "", err
	}
	p, err := container.New(append(documents, more...)...)
	if err != nil {
		return "", fault.Failedf("machine config of %s: %w", n.Name, err)
	}
	final, err := patched(p, g.cluster, n)
	if err != nil {
		return "", err
	}
	warnings, err := final.Validate(vsphere{})
	if err != nil {
		return "", fault.Inputf("Talos would refuse the machine config of %s: %w", n.Name, errors.Join(err)).Fix("correct the patches in cluster.yaml")
	}
	for _, w := range warnings {
		g.log.Warn("Talos warns about the machine config", "node", n.Name, "warning", w)
	}
	text, err := final.EncodeString(encoder.WithComments(encoder.CommentsDisabled))
	if err != nil {
		return "", fault.Failedf("machine config of %s: %w", n.Name, err)
	}
	return text, nil
}

// isHostname finds the document that lets Talos invent a host name: the nodes
// have names.
func isHostname(d document) bool { return d.Kind() == network.HostnameKind }

// vsphere is where the configs run, in the words of Talos's validation: a cloud,
// where the image is on the disk already.
type vsphere struct{}

func (vsphere) String() string        { return "cloud" }
func (vsphere) RequiresInstall() bool { return false }
func (vsphere) InContainer() bool     { return false }
