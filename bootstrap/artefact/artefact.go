// Package artefact is what phase 1 of the bootstrap hands to phase 2:
// vm_creation.outputs.json, which a pipeline carries from the runner that sees
// vCenter to the one that sees the machines. Addresses are in clear, every secret
// is sealed with age for the recipients that cluster.yaml names.
//
// It promises that a file which [Read] takes is whole and as it was written: one
// that is missing, cut off, altered in any bit, of another cluster, too old or too
// new is refused with the reason and what to do. The checksum is no signature: it
// finds damage. What finds intent is inside the seal, where [Artefact.Open]
// compares what is in clear with what was sealed.
package artefact

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

// The constants of the format. An artefact of another version is refused.
const (
	FileName = "vm_creation.outputs.json"
	Kind     = "VMCreationOutputs"
	Version  = 1
)

// Artefact is what is in the file. Everything but Sealed may be read by anybody.
type Artefact struct {
	Kind      string    `json:"kind"`
	Version   int       `json:"version"`
	Cluster   Cluster   `json:"cluster"`
	CreatedAt time.Time `json:"createdAt"` // when this artefact was made, in UTC and whole seconds
	Nodes     []Node    `json:"nodes"`     // in the order of cluster.yaml
	// Recipients are the age recipients who can open Sealed.
	Recipients []string `json:"recipients"`
	Sealed     []byte   `json:"sealed"`   // an age file, base64 in JSON
	Checksum   string   `json:"checksum"` // sha256:… of everything else
}

// Cluster says which cluster the artefact is of.
type Cluster struct {
	ID          string `json:"id"` // a UUID, made together with the secrets
	Name        string `json:"name"`
	Project     string `json:"project"`
	Environment string `json:"environment"`
	Endpoint    string `json:"endpoint"` // of the Kubernetes API, as https://host:port
	Talos       string `json:"talos"`    // version without v
	Kubernetes  string `json:"kubernetes"`
}

// Node is a machine of the cluster.
type Node struct {
	Name      string   `json:"name"`
	Role      string   `json:"role"`      // controlplane or worker
	Address   string   `json:"address"`   // where its Talos API is
	Addresses []string `json:"addresses"` // all that vCenter knows, the same one among them
	VM        string   `json:"vm"`        // vCenter's id of the machine, as in vm-42
	UUID      string   `json:"uuid"`      // BIOS UUID, which Talos shows too
}

// ControlPlanes gives the nodes of that role, in order.
func (a *Artefact) ControlPlanes() []Node {
	var nodes []Node
	for _, n := range a.Nodes {
		if n.Role == "controlplane" {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// Encode gives the file's content, with the checksum set.
func (a *Artefact) Encode() ([]byte, error) {
	sum, err := a.checksum()
	if err != nil {
		return nil, err
	}
	a.Checksum = sum
	return encode(a)
}

// Write puts the artefact at path, for the user alone, unless it is there
// already; it tells whether it wrote.
func (a *Artefact) Write(path string) (bool, error) {
	content, err := a.Encode()
	if err != nil {
		return false, fault.Failedf("artefact: %w", err)
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return false, nil
	}
	if err := outfile.WritePrivate(path, content); err != nil {
		return false, fault.Failedf("artefact: %w", err)
	}
	return true, nil
}

// Summary says what is in clear.
func (a *Artefact) Summary(w io.Writer) {
	fmt.Fprintf(w, "cluster %s (%s), Talos %s, Kubernetes %s, made %s\n",
		a.Cluster.Name, a.Cluster.ID, a.Cluster.Talos, a.Cluster.Kubernetes, a.CreatedAt.Format(time.RFC3339))
	for _, n := range a.Nodes {
		fmt.Fprintf(w, "  %-12s %-30s %s\n", n.Role, n.Name, n.Address)
	}
	fmt.Fprintf(w, "sealed for %d recipients\n", len(a.Recipients))
}

// encode gives the canonical form: what [Parse] compares a file with.
func encode(a *Artefact) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(a); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (a *Artefact) checksum() (string, error) {
	rest := *a
	rest.Checksum = ""
	return digest(&rest)
}

// clear is the digest of what is readable by anybody.
func (a *Artefact) clear() (string, error) {
	rest := *a
	rest.Checksum, rest.Sealed = "", nil
	return digest(&rest)
}

func digest(a *Artefact) (string, error) {
	content, err := encode(a)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
