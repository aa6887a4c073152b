package config

import (
	"path/filepath"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// Problems is everything that is wrong with a file, in the file's order.
type Problems = yamlfile.Problems

// form is what every cluster.yaml has in common.
var form = yamlfile.Form{
	Needs:     "apiVersion, kind, metadata and spec",
	Describes: "cluster",
	Valid: func(value any) error {
		if r, ok := value.(rule); ok {
			return r.valid()
		}
		return nil
	},
	AsWritten: func(value any) bool {
		_, ok := value.(verbatim)
		return ok
	},
}

// Read reads and checks the file at path. The error of an invalid file is a
// fault.Input around [Problems].
func Read(path string) (*Cluster, error) {
	data, err := yamlfile.Load(path, "copy examples/bootstrap/cluster.yaml and change it")
	if err != nil {
		return nil, err
	}
	return Parse(filepath.ToSlash(path), data)
}

// Parse checks data, which came from the file of the given name. The paths in it
// are relative to that name's folder.
func Parse(file string, data []byte) (*Cluster, error) {
	var c Cluster
	read, err := form.Read(file, data, &c)
	if err != nil {
		return nil, err
	}
	if len(read.Problems) == 0 {
		c.fill()
		check(read, &c)
	}
	if err := read.Err(); err != nil {
		return nil, err
	}
	c.dir = filepath.Dir(filepath.FromSlash(file))
	return &c, nil
}

// What a node gets that does not say otherwise.
const (
	defaultCores  Cores  = 4
	defaultMemory Size   = "8Gi"
	defaultDisk   Size   = "40Gi"
	defaultDevice Device = "/dev/sda"
)

// fill sets the fields that the file does not.
func (c *Cluster) fill() {
	s := &c.Spec
	if s.Endpoint == "" && s.VIP != "" {
		s.Endpoint = Endpoint("https://" + hostPort(s.VIP))
	}
	if s.Install.Disk == "" {
		s.Install.Disk = defaultDevice
	}
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if n.CPU == 0 {
			n.CPU = defaultCores
		}
		if n.Memory == "" {
			n.Memory = defaultMemory
		}
		if n.Disk == "" {
			n.Disk = defaultDisk
		}
		if n.Gateway == "" && n.Address != "" {
			n.Gateway = s.Network.Gateway
		}
	}
}

// Path gives the path of a file that cluster.yaml names, for this system.
func (c *Cluster) Path(p Path) string {
	local := filepath.FromSlash(string(p))
	if filepath.IsAbs(local) {
		return local
	}
	return filepath.Join(c.dir, local)
}

// ControlPlanes gives the nodes of that role, in the file's order.
func (c *Cluster) ControlPlanes() []Node { return c.withRole(ControlPlane) }

// Workers gives the nodes of that role, in the file's order.
func (c *Cluster) Workers() []Node { return c.withRole(Worker) }

func (c *Cluster) withRole(r Role) []Node {
	var nodes []Node
	for _, n := range c.Spec.Nodes {
		if n.Role == r {
			nodes = append(nodes, n)
		}
	}
	return nodes
}
