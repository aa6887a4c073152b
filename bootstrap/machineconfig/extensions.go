package machineconfig

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	cluster "github.com/pave-platform/pave/bootstrap/config"
)

// extensions are the system extensions that the platform needs. They are in the
// image that a machine boots from, not in its config: the OVA must have them, and
// the installer keeps them at an upgrade.
var extensions = []cluster.Extension{
	"siderolabs/iscsi-tools",          // Longhorn attaches its volumes with iscsiadm
	"siderolabs/util-linux-tools",     // Longhorn trims and resizes file systems with fstrim and blkid
	"siderolabs/vmtoolsd-guest-agent", // vCenter learns the machine's addresses from it
}

// Schematic gives the description of an image with all extensions, as an Image
// Factory takes it, and its id there: the SHA-256 of the description.
func Schematic(c *cluster.Cluster) (content, id string) {
	all := slices.Concat(extensions, c.Spec.Install.Extensions)
	slices.Sort(all)
	var b strings.Builder
	b.WriteString("customization:\n    systemExtensions:\n        officialExtensions:\n")
	for _, e := range slices.Compact(all) {
		fmt.Fprintf(&b, "            - %s\n", e)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return b.String(), hex.EncodeToString(sum[:])
}

// installer gives the image that the machines install and upgrade from.
func installer(c *cluster.Cluster) string {
	if c.Spec.Install.Image != "" {
		return string(c.Spec.Install.Image)
	}
	_, id := Schematic(c)
	return fmt.Sprintf("%s/vmware-installer/%s:v%s", c.Spec.Install.Factory, id, c.Spec.Talos.Number())
}
