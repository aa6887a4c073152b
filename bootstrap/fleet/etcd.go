package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pave-platform/pave/internal/talosapi"
)

// Sight is what a control plane has of etcd, or why it is not known.
type Sight struct {
	Node *Node
	talosapi.Etcd
	Err error
}

// Etcd looks at etcd on the given control planes, side by side.
func Etcd(ctx context.Context, nodes []*Node) []Sight {
	sights := make([]Sight, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() {
			e, err := n.Etcd(ctx)
			sights[i] = Sight{Node: n, Etcd: e, Err: err}
		})
	}
	all.Wait()
	return sights
}

// Joined tells whether all the nodes are healthy members of one etcd, and if
// not, what is missing.
func Joined(sights []Sight) (bool, string) {
	var members []talosapi.Member
	for _, s := range sights {
		if len(s.Members) > len(members) {
			members = s.Members
		}
	}
	var missing []string
	for _, s := range sights {
		is := slices.IndexFunc(members, func(m talosapi.Member) bool { return m.Is(s.Node.Node) })
		switch {
		case s.Err != nil:
			missing = append(missing, fmt.Sprintf("%s does not answer", s.Node.Name))
		case s.State != "Running":
			missing = append(missing, fmt.Sprintf("%s: etcd is %s", s.Node.Name, strings.ToLower(s.State)))
		case is < 0:
			missing = append(missing, s.Node.Name+" is not a member of etcd yet")
		case members[is].Learner:
			missing = append(missing, s.Node.Name+" still learns what etcd holds")
		case !s.Healthy:
			missing = append(missing, s.Node.Name+": etcd is not healthy")
		}
	}
	return len(missing) == 0, strings.Join(missing, "; ")
}

// AwaitEtcd waits until all the nodes are healthy members of etcd. It looks with
// watch, which may do something about what it sees.
func (f *Fleet) AwaitEtcd(ctx context.Context, nodes []*Node, watch func(context.Context, []Sight) error) error {
	return f.Until(ctx, "etcd", func(ctx context.Context) (bool, string, error) {
		sights := Etcd(ctx, nodes)
		if watch != nil {
			if err := watch(ctx, sights); err != nil {
				return false, "", err
			}
		}
		ok, missing := Joined(sights)
		return ok, missing, nil
	})
}
