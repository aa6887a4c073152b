package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
	"github.com/pave-platform/pave/internal/registry"
)

// Inventory is what a registry on the other side of an air gap has, so that an
// export can leave it out. Import and TakeInventory make one.
type Inventory struct {
	Registry string                   `json:"registry"` // for people
	Blobs    map[string]InventoryBlob `json:"blobs"`    // by digest
}

// InventoryBlob says where a blob is.
type InventoryBlob struct {
	Size       int64  `json:"size"`
	Repository string `json:"repository"` // without the registry
}

// Add takes over what other has. Where both have a blob, other is newer.
func (i *Inventory) Add(other *Inventory) {
	if i.Blobs == nil {
		i.Blobs = map[string]InventoryBlob{}
	}
	maps.Copy(i.Blobs, other.Blobs)
	if other.Registry != "" {
		i.Registry = other.Registry
	}
}

func (i *Inventory) has(d v1.Descriptor) bool {
	if i == nil {
		return false
	}
	b, ok := i.Blobs[d.Digest.String()]
	return ok && b.Size == d.Size
}

// add notes the blobs of n and below.
func (i *Inventory) add(n *node, in name.Repository, wanted func(v1.Descriptor) bool) {
	_ = n.walk(func(m *node) error {
		for _, d := range m.blobs(wanted) {
			i.Blobs[d.Digest.String()] = InventoryBlob{d.Size, in.RepositoryStr()}
		}
		return nil
	})
}

// ReadInventory reads a file that Write wrote.
func ReadInventory(path string) (*Inventory, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Inputf("inventory: %w", err)
	}
	return parseInventory(path, raw)
}

func parseInventory(path string, raw []byte) (*Inventory, error) {
	var i Inventory
	if err := json.Unmarshal(raw, &i); err != nil {
		return nil, fault.Inputf("inventory %s: %w", path, err).Fix("take it again")
	}
	for d, b := range i.Blobs {
		if _, err := v1.NewHash(d); err != nil || b.Size < 0 || b.Repository == "" {
			return nil, fault.Inputf("inventory %s: %s is no blob", path, d).Fix("take it again")
		}
	}
	return &i, nil
}

// Write writes the inventory to a file.
func (i *Inventory) Write(path string) error {
	raw, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	return outfile.Write(path, append(raw, '\n'))
}

// TakeInventory lists the blobs below the targets' tags, as they are in the
// target's registry now. A tag that is not there is no error: it has nothing.
// It gets manifests, which counts as pulls where a registry counts.
func TakeInventory(ctx context.Context, entries []Entry, target *registry.Client) (*Inventory, error) {
	s := newSide(target, "pull")
	defer s.close()
	i := &Inventory{Blobs: map[string]InventoryBlob{}}
	var mu sync.Mutex
	err := each(ctx, entries, func(ctx context.Context, _ int, e Entry) error {
		i.Registry = e.Target.RegistryStr()
		return each(ctx, e.Tags, func(ctx context.Context, _ int, tag string) error {
			n, err := registries{s}.manifest(ctx, e.Target, tag)
			if errors.Is(err, errNone) {
				return nil
			}
			if err == nil {
				err = n.read(ctx, registries{s}, e.Target)
			}
			if err != nil {
				return registry.Explain(e.Target.Tag(tag).String(), e.Target.Registry, err)
			}
			mu.Lock()
			defer mu.Unlock()
			i.add(n, e.Target, distributable)
			return nil
		})
	})
	return i, err
}

func distributable(d v1.Descriptor) bool { return d.MediaType.IsDistributable() }
