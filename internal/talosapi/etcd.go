package talosapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	machineapi "github.com/siderolabs/talos/pkg/machinery/api/machine"
	"github.com/siderolabs/talos/pkg/machinery/client"
	"github.com/siderolabs/talos/pkg/machinery/constants"
	"google.golang.org/grpc/codes"

	"github.com/pave-platform/pave/internal/etcdsnapshot"
)

// Etcd is what a control plane has of etcd.
type Etcd struct {
	Data    bool     // there is something in its data directory: it was bootstrapped, or has joined
	State   string   // of the service, as in Running or Preparing
	Healthy bool     // the service runs and is healthy
	Members []Member // as the node knows them; empty while etcd has no quorum
}

// Member is a member of etcd.
type Member struct {
	Name    string
	Hosts   []string // addresses of its peer URLs
	Learner bool
}

// Is tells whether the member is the node.
func (m Member) Is(n *Node) bool {
	for _, h := range m.Hosts {
		if h == n.Host() {
			return true
		}
	}
	return m.Name == n.Name
}

// Etcd looks at a control plane's data directory, service and members.
func (n *Node) Etcd(ctx context.Context) (Etcd, error) {
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	var e Etcd
	var err error
	if e.Data, err = n.etcdData(ctx); err != nil {
		return Etcd{}, fmt.Errorf("node %s: etcd's data directory: %w", n.Name, err)
	}
	services, err := n.Services(ctx)
	if err != nil {
		return Etcd{}, err
	}
	for _, s := range services {
		if s.Name == "etcd" {
			e.State, e.Healthy = s.State, s.State == "Running" && s.Healthy
		}
	}
	if e.State != "Running" {
		return e, nil
	}
	r, err := n.client.EtcdMemberList(ctx, &machineapi.EtcdMemberListRequest{})
	if err != nil {
		return e, nil // without a quorum there is no list
	}
	for _, list := range r.GetMessages() {
		for _, m := range list.GetMembers() {
			member := Member{Name: m.GetHostname(), Learner: m.GetIsLearner()}
			for _, u := range m.GetPeerUrls() {
				member.Hosts = append(member.Hosts, etcdsnapshot.Host(u))
			}
			e.Members = append(e.Members, member)
		}
	}
	return e, nil
}

// etcdData asks what Talos itself asks before it bootstraps: is there something
// in the directory?
func (n *Node) etcdData(ctx context.Context) (bool, error) {
	stream, err := n.client.LS(ctx, &machineapi.ListRequest{Root: constants.EtcdDataPath})
	if err != nil {
		return false, err
	}
	for {
		f, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil && strings.Contains(err.Error(), "no such file"):
			return false, nil
		case err != nil:
			return false, err
		case strings.Contains(f.GetError(), "no such file"):
			return false, nil
		case f.GetError() != "":
			return false, errors.New(f.GetError())
		case f.GetRelativeName() != "." && f.GetRelativeName() != "":
			return true, nil
		}
	}
}

// Bootstrap makes the node begin etcd, from the uploaded snapshot if recover is
// set. It tells whether the node had an etcd already.
func (n *Node) Bootstrap(ctx context.Context, recovery, unhashed bool) (already bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	err = n.client.Bootstrap(ctx, &machineapi.BootstrapRequest{RecoverEtcd: recovery, RecoverSkipHashCheck: recovery && unhashed})
	if client.StatusCode(err) == codes.AlreadyExists {
		return true, nil
	}
	return false, err
}

// Upload gives the node a snapshot for Bootstrap to begin from.
func (n *Node) Upload(ctx context.Context, snapshot io.Reader) error {
	_, err := n.client.EtcdRecover(ctx, snapshot)
	return err
}

// Snapshot writes a snapshot of the node's etcd to w.
func (n *Node) Snapshot(ctx context.Context, w io.Writer) error {
	r, err := n.client.EtcdSnapshot(ctx, &machineapi.EtcdSnapshotRequest{})
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	return ctx.Err() // the library ends the stream without a word when it is cancelled
}

// WipeData throws away what is on the node's ephemeral partition, etcd's data
// with it, and reboots.
func (n *Node) WipeData(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	return n.client.ResetGeneric(ctx, &machineapi.ResetRequest{
		Reboot:                 true,
		SystemPartitionsToWipe: []*machineapi.ResetPartitionSpec{{Label: constants.EphemeralPartitionLabel, Wipe: true}},
	})
}

// RaftIndex is the length of the log of the node's etcd. One that was restored
// from a snapshot begins a new log.
func (n *Node) RaftIndex(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	r, err := n.client.EtcdStatus(ctx)
	if err != nil {
		return 0, err
	}
	for _, m := range r.GetMessages() {
		return m.GetMemberStatus().GetRaftIndex(), nil
	}
	return 0, errors.New("it gives no status")
}
