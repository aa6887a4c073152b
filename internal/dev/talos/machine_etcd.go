package talos

import (
	"context"
	"errors"
	"io"

	"github.com/siderolabs/talos/pkg/machinery/api/common"
	machineapi "github.com/siderolabs/talos/pkg/machinery/api/machine"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Bootstrap implements machine.MachineServiceServer. As the real one it only
// takes the request: etcd begins later.
func (s *machineService) Bootstrap(_ context.Context, r *machineapi.BootstrapRequest) (*machineapi.BootstrapResponse, error) {
	n := s.n
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if !n.controlPlane() {
		return nil, status.Error(codes.FailedPrecondition, "bootstrap can only be performed on a control plane node")
	}
	if n.etcd != nil {
		return nil, status.Error(codes.AlreadyExists, "etcd data directory is not empty")
	}
	c := &cluster{secret: n.secret(), booting: n}
	if r.GetRecoverEtcd() {
		if n.upload == nil {
			return nil, status.Error(codes.FailedPrecondition, "no snapshot was uploaded")
		}
		records, err := restore(n.upload, r.GetRecoverSkipHashCheck())
		if err != nil {
			return nil, status.Errorf(codes.Internal, "failed to restore: %s", err)
		}
		c.records, n.upload = records, nil
	}
	n.w.clusters = append(n.w.clusters, c)
	n.etcd = c
	return &machineapi.BootstrapResponse{Messages: []*machineapi.Bootstrap{{}}}, nil
}

// running is the node's etcd, if it takes requests.
func (s *machineService) running(what string, quorum bool) (*cluster, error) {
	if err := s.controlPlanes(what); err != nil {
		return nil, err
	}
	c := s.n.etcd
	switch {
	case c == nil || c.booting != nil:
		return nil, status.Error(codes.Unavailable, "etcd is not running")
	case quorum && !c.healthy():
		return nil, status.Error(codes.DeadlineExceeded, "context deadline exceeded: etcd has no quorum")
	}
	return c, nil
}

// EtcdMemberList implements machine.MachineServiceServer.
func (s *machineService) EtcdMemberList(_ context.Context, r *machineapi.EtcdMemberListRequest) (*machineapi.EtcdMemberListResponse, error) {
	s.n.w.mu.Lock()
	defer s.n.w.mu.Unlock()
	c, err := s.running("etcd member list", !r.GetQueryLocal())
	if err != nil {
		return nil, err
	}
	m := &machineapi.EtcdMembers{}
	for _, n := range c.members {
		m.Members = append(m.Members, &machineapi.EtcdMember{
			Id: memberID(n), Hostname: n.o.Name, PeerUrls: []string{peerURL(n)}, ClientUrls: []string{clientURL(n)},
		})
	}
	return &machineapi.EtcdMemberListResponse{Messages: []*machineapi.EtcdMembers{m}}, nil
}

// EtcdStatus implements machine.MachineServiceServer.
func (s *machineService) EtcdStatus(context.Context, *emptypb.Empty) (*machineapi.EtcdStatusResponse, error) {
	s.n.w.mu.Lock()
	defer s.n.w.mu.Unlock()
	c, err := s.running("etcd status", false)
	if err != nil {
		return nil, err
	}
	m := &machineapi.EtcdMemberStatus{MemberId: memberID(s.n), ProtocolVersion: "3.6.16", StorageVersion: "3.6.0", RaftIndex: c.log, RaftAppliedIndex: c.log}
	if c.healthy() {
		m.Leader = memberID(c.members[0])
	} else {
		m.Errors = []string{"etcdserver: no leader"}
	}
	return &machineapi.EtcdStatusResponse{Messages: []*machineapi.EtcdStatus{{MemberStatus: m}}}, nil
}

// EtcdSnapshot implements machine.MachineServiceServer.
func (s *machineService) EtcdSnapshot(_ *machineapi.EtcdSnapshotRequest, stream grpc.ServerStreamingServer[common.Data]) error {
	s.n.w.mu.Lock()
	c, err := s.running("etcd snapshot", true)
	var snapshot []byte
	if err == nil {
		snapshot, err = c.snapshot()
	}
	s.n.w.mu.Unlock()
	if err != nil {
		return err
	}
	return send(stream, snapshot)
}

// EtcdRecover implements machine.MachineServiceServer.
func (s *machineService) EtcdRecover(stream grpc.ClientStreamingServer[common.Data, machineapi.EtcdRecoverResponse]) error {
	var snapshot []byte
	for {
		data, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		snapshot = append(snapshot, data.GetBytes()...)
	}
	s.n.w.mu.Lock()
	defer s.n.w.mu.Unlock()
	if err := s.controlPlanes("etcd recover"); err != nil {
		return err
	}
	if _, err := restore(snapshot, true); err != nil {
		return status.Errorf(codes.InvalidArgument, "%s", err)
	}
	s.n.upload = snapshot
	return stream.SendAndClose(&machineapi.EtcdRecoverResponse{Messages: []*machineapi.EtcdRecover{{}}})
}
