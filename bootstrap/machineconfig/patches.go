package machineconfig

import (
	"embed"
	"os"
	"strings"

	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/configpatcher"

	cluster "github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/internal/fault"
)

//go:embed patches/*.yaml
var files embed.FS

// patch is one of pave's own.
type patch struct {
	name string
	when func(*cluster.Cluster, cluster.Node) bool
}

func always(*cluster.Cluster, cluster.Node) bool { return true }

func onControlPlanes(_ *cluster.Cluster, n cluster.Node) bool { return n.Role == cluster.ControlPlane }

// patches are pave's own, in the order in which they are applied. What each is
// for stands in its file.
var patches = []patch{
	{"scheduling", func(c *cluster.Cluster, n cluster.Node) bool {
		return c.Spec.SchedulingOnControlPlanes && n.Role == cluster.ControlPlane
	}},
	{"ipvs", onControlPlanes},
	{"kernel-modules", always},
	{"longhorn", always},
	{"kubelet-certificates", always},
	{"kubelet-gc", always},
	{"audit", onControlPlanes},
}

// patched applies pave's patches for the node, and those of cluster.yaml on top.
func patched(p config.Provider, c *cluster.Cluster, n cluster.Node) (config.Provider, error) {
	for _, own := range patches {
		if !own.when(c, n) {
			continue
		}
		name := "patches/" + own.name + ".yaml"
		content, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if p, err = apply(p, name, content); err != nil {
			return nil, err
		}
	}
	more := c.Spec.Patches.Workers
	if n.Role == cluster.ControlPlane {
		more = c.Spec.Patches.ControlPlanes
	}
	for _, list := range [][]cluster.Path{c.Spec.Patches.All, more} {
		for _, path := range list {
			content, err := os.ReadFile(c.Path(path))
			if err != nil {
				return nil, fault.Inputf("patch: %w", err).Fix("correct spec.patches in cluster.yaml")
			}
			if p, err = apply(p, string(path), content); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

func apply(p config.Provider, name string, content []byte) (config.Provider, error) {
	loaded, err := configpatcher.LoadPatch(content)
	if err != nil {
		return nil, fault.Inputf("patch %s: %s", name, strings.Join(strings.Fields(err.Error()), " ")).Fix("write a part of a Talos machine config")
	}
	merge, ok := loaded.(configpatcher.StrategicMergePatch)
	if !ok {
		return nil, fault.Inputf("patch %s is a JSON patch, which Talos does not apply to machine configs of several documents", name).
			Fix("write it as a strategic merge patch: the part of the machine config that changes")
	}
	merged, err := configpatcher.StrategicMerge(p, merge)
	if err != nil {
		return nil, fault.Inputf("patch %s: %w", name, err)
	}
	return merged, nil
}

// PatchNames gives the names of pave's own patches that the node gets, in order.
func PatchNames(c *cluster.Cluster, n cluster.Node) []string {
	var names []string
	for _, p := range patches {
		if p.when(c, n) {
			names = append(names, p.name)
		}
	}
	return names
}
