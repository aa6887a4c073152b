package talos

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// cluster is one etcd, with its members and what they keep. It is guarded by
// the world.
type cluster struct {
	secret  [sha256.Size]byte
	members []*Node
	booting *Node // bootstraps it, and is not a member yet
	records []record
	log     uint64 // entries of raft
}

// record is a revision of a key.
type record struct{ key, value string }

// healthy tells whether a quorum of the members is there.
func (c *cluster) healthy() bool {
	up := 0
	for _, n := range c.members {
		if n.serving && n.etcd == c {
			up++
		}
	}
	return up > len(c.members)/2
}

// lost takes the data of a node away. The others still count it as a member,
// until it joins again.
func (c *cluster) lost(n *Node) {
	if c.booting == n {
		c.booting = nil
	}
	holders := slices.ContainsFunc(c.members, func(m *Node) bool { return m != n && m.etcd == c })
	if !holders && c.booting == nil {
		c.members = nil
	}
}

// clusterOf is the etcd with the node's secrets that lives, or nil.
func (w *World) clusterOf(n *Node) *cluster {
	for _, c := range w.clusters {
		if len(c.members) > 0 && c.secret == n.secret() && c.healthy() {
			return c
		}
	}
	return nil
}

// stepEtcd lets the first member begin, or one more join.
func (w *World) stepEtcd(c *cluster) {
	if n := c.booting; n != nil {
		if n.serving {
			c.booting, c.members = nil, []*Node{n}
			c.write("/registry/pave-double/bootstrapped-by", n.o.Name)
		}
		return
	}
	if !c.healthy() {
		return
	}
	for _, n := range w.sorted() {
		if n.serving && !n.o.Alone && n.controlPlane() && n.etcd == nil && n.secret() == c.secret {
			n.etcd = c
			c.log++
			if !slices.Contains(c.members, n) {
				c.members = append(c.members, n)
			}
			return
		}
	}
}

// sorted are the nodes by name.
func (w *World) sorted() []*Node {
	nodes := make([]*Node, 0, len(w.nodes))
	for _, n := range w.nodes {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b *Node) int {
		if a.o.Name < b.o.Name {
			return -1
		}
		return 1
	})
	return nodes
}

func (c *cluster) write(key, value string) {
	c.records = append(c.records, record{key, value})
	c.log++
}

// memberID is a node's ID in its etcd.
func memberID(n *Node) uint64 {
	sum := sha256.Sum256([]byte("member " + n.o.Name + " " + n.o.Address))
	return binary.BigEndian.Uint64(sum[:])
}

func peerURL(n *Node) string   { return fmt.Sprintf("https://%s:2380", n.o.Address) }
func clientURL(n *Node) string { return fmt.Sprintf("https://%s:2379", n.o.Address) }

// Forget makes the node lose a bootstrap that it has taken and not begun, as a
// restart of Talos does. It tells whether there was one.
func (n *Node) Forget() bool {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.etcd == nil || n.etcd.booting != n {
		return false
	}
	n.etcd.booting, n.etcd = nil, nil
	return true
}

// Write puts a key into the etcd that has node as a member, as Kubernetes would.
func (n *Node) Write(key, value string) error {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.etcd == nil || !n.etcd.healthy() {
		return fmt.Errorf("node %s: etcd does not take writes", n.o.Name)
	}
	n.etcd.write(key, value)
	return nil
}

// Read gives the newest value of a key in the node's etcd, and whether there is
// one.
func (n *Node) Read(key string) (string, bool) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.etcd == nil {
		return "", false
	}
	for _, r := range slices.Backward(n.etcd.records) {
		if r.key == key {
			return r.value, true
		}
	}
	return "", false
}

// Members are the names of the nodes that have joined the node's etcd.
func (n *Node) Members() []string {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	names := []string{}
	if n.etcd != nil {
		for _, m := range n.etcd.members {
			names = append(names, m.o.Name)
		}
	}
	slices.Sort(names)
	return names
}
