package vms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/bootstrap/config"
)

// plan writes down what is missing.
func (r *run) plan(ctx context.Context) error {
	r.result.Changes = []Change{}
	r.result.ID = r.there.id
	name := string(r.Cluster.Metadata.Name)
	if r.there.folder.Value == "" {
		r.change(Create, KindFolder, name, "")
	}
	missing := r.planMachines()
	if image, ok := r.there.images[r.imageName()]; missing && (!ok || !image.template) {
		if err := r.findItem(ctx); err != nil {
			return err
		}
		detail := "from " + r.imageSource()
		if ok {
			detail += ", again: it is half-made"
		}
		r.result.Changes = slices.Insert(r.result.Changes, r.foldersPlanned(), Change{Create, KindImage, r.imageName(), detail})
	}
	untagged, err := r.planTags(ctx)
	if err != nil {
		return err
	}
	if untagged > 0 {
		r.change(Attach, KindTags, name, fmt.Sprintf("to %d objects", untagged))
	}
	if !r.artefactIsCurrent() {
		r.change(Write, KindArtefact, r.Artefact, "")
	}
	return nil
}

func (r *run) change(a Action, k Kind, name, detail string) {
	r.result.Changes = append(r.result.Changes, Change{a, k, name, detail})
}

func (r *run) foldersPlanned() int {
	if r.there.folder.Value == "" {
		return 1
	}
	return 0
}

// planMachines tells whether a machine is missing.
func (r *run) planMachines() (missing bool) {
	r.result.Nodes = []Node{}
	for _, n := range r.Cluster.Spec.Nodes {
		name := string(n.Name)
		m, there := r.there.machines[name]
		node := Node{Name: name, Role: string(n.Role), VM: m.ref.Value}
		switch {
		case !there:
			missing, node.Changed = true, true
			r.change(Create, KindMachine, name, fmt.Sprintf("%s, %d CPUs, %s memory, %s disk", n.Role, n.CPU, n.Memory, n.Disk))
		case !m.on:
			node.Changed = true
			r.change(PowerOn, KindMachine, name, "")
		}
		if there {
			node.Address = chooseAddress(n, m, r.Cluster.Spec.VIP)
			r.compare(n, m)
		}
		r.result.Nodes = append(r.result.Nodes, node)
	}
	for name := range r.there.machines {
		if !isNode(r.Cluster, name) {
			r.result.Unlisted = append(r.result.Unlisted, name)
		}
	}
	slices.Sort(r.result.Unlisted)
	return missing
}

// compare says where a machine is not as cluster.yaml has it.
func (r *run) compare(n config.Node, m machine) {
	if m.cpu != int32(n.CPU) {
		r.result.Differs = append(r.result.Differs, fmt.Sprintf("%s has %d CPUs, cluster.yaml says %d", n.Name, m.cpu, n.CPU))
	}
	if m.memory != n.Memory.Bytes() {
		r.result.Differs = append(r.result.Differs, fmt.Sprintf("%s has %d MiB of memory, cluster.yaml says %s", n.Name, m.memory>>20, n.Memory))
	}
}

// artefactIsCurrent tells whether the artefact that is there says what a new one
// would.
func (r *run) artefactIsCurrent() bool {
	if r.result.old == nil {
		return false
	}
	for _, n := range r.result.Nodes {
		if n.Changed || n.Address == "" {
			return false
		}
	}
	return r.sameAs(r.result.old)
}

func (r *run) sameAs(old *artefact.Artefact) bool {
	return old.Cluster == r.cluster() && reflect.DeepEqual(old.Nodes, r.artefactNodes()) && slices.Equal(old.Recipients, r.recipients())
}

// artefactNodes are the machines as the artefact has them.
func (r *run) artefactNodes() []artefact.Node {
	nodes := []artefact.Node{}
	for i, n := range r.Cluster.Spec.Nodes {
		m := r.there.machines[string(n.Name)]
		address := r.result.Nodes[i].Address
		nodes = append(nodes, artefact.Node{
			Name: string(n.Name), Role: string(n.Role), Address: address, Addresses: []string{address}, VM: m.ref.Value, UUID: m.uuid,
		})
	}
	return nodes
}

// imageSource says what the cluster's image is a copy of.
func (r *run) imageSource() string {
	switch o := r.Cluster.Spec.OVA; {
	case o.Template != "":
		return "template " + string(o.Template)
	case o.Library != nil:
		return "library item " + string(o.Library.Name) + "/" + string(o.Library.Item)
	case o.URL != "":
		return string(o.URL)
	default:
		return string(o.File)
	}
}

// imageName is that of the cluster's image. Another source is another image: the
// machines that there are stay what they are copies of.
func (r *run) imageName() string {
	identity := string(r.Cluster.Spec.OVA.SHA256)
	if identity == "" {
		sum := sha256.Sum256([]byte(r.imageSource()))
		identity = hex.EncodeToString(sum[:])
	}
	return fmt.Sprintf("%s-image-%.12s", r.Cluster.Metadata.Name, identity)
}
