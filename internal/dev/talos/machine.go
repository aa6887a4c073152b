package talos

import (
	"context"
	"slices"

	"github.com/siderolabs/talos/pkg/machinery/api/common"
	machineapi "github.com/siderolabs/talos/pkg/machinery/api/machine"
	"github.com/siderolabs/talos/pkg/machinery/constants"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// machineService is machine.MachineService of one node. What is not here is
// refused before it gets here.
type machineService struct {
	machineapi.UnimplementedMachineServiceServer
	n *Node
}

// Version implements machine.MachineServiceServer.
func (s *machineService) Version(context.Context, *emptypb.Empty) (*machineapi.VersionResponse, error) {
	return &machineapi.VersionResponse{Messages: []*machineapi.Version{{
		Version:  &machineapi.VersionInfo{Tag: Version, Os: "linux", Arch: "amd64"},
		Platform: &machineapi.PlatformInfo{Name: "vmware", Mode: "cloud"},
		Features: &machineapi.FeaturesInfo{Rbac: true},
	}}}, nil
}

// ApplyConfiguration implements machine.MachineServiceServer, in maintenance mode.
func (s *machineService) ApplyConfiguration(_ context.Context, r *machineapi.ApplyConfigurationRequest) (*machineapi.ApplyConfigurationResponse, error) {
	n := s.n
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.serving {
		return nil, status.Error(codes.Unimplemented, "the double of Talos takes a config in maintenance mode only")
	}
	if err := n.configure(r.GetData()); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "failed to parse config: %s", err)
	}
	select {
	case n.given <- struct{}{}:
	default:
	}
	return &machineapi.ApplyConfigurationResponse{Messages: []*machineapi.ApplyConfiguration{{Mode: machineapi.ApplyConfigurationRequest_REBOOT}}}, nil
}

// controlPlanes refuses a worker.
func (s *machineService) controlPlanes(what string) error {
	if !s.n.controlPlane() {
		return status.Errorf(codes.Unimplemented, "%s is only available on control plane nodes", what)
	}
	return nil
}

// ServiceList implements machine.MachineServiceServer.
func (s *machineService) ServiceList(context.Context, *emptypb.Empty) (*machineapi.ServiceListResponse, error) {
	s.n.w.mu.Lock()
	defer s.n.w.mu.Unlock()
	names := []string{"apid", "auditd", "containerd", "cri", "kubelet", "machined", "syslogd", "udevd"}
	if s.n.controlPlane() {
		names = append(names, "etcd", "trustd")
		slices.Sort(names)
	}
	list := &machineapi.ServiceList{}
	for _, name := range names {
		list.Services = append(list.Services, s.service(name))
	}
	return &machineapi.ServiceListResponse{Messages: []*machineapi.ServiceList{list}}, nil
}

func (s *machineService) service(name string) *machineapi.ServiceInfo {
	i := &machineapi.ServiceInfo{Id: name, State: "Running", Events: &machineapi.ServiceEvents{}, Health: &machineapi.ServiceHealth{Healthy: true}}
	if name == "etcd" {
		switch c := s.n.etcd; {
		case c == nil || c.booting != nil:
			i.State, i.Health = "Preparing", &machineapi.ServiceHealth{Unknown: true}
		case !c.healthy():
			i.Health = &machineapi.ServiceHealth{LastMessage: "context deadline exceeded"}
		}
	}
	return i
}

// List implements machine.MachineServiceServer, for etcd's data directory.
func (s *machineService) List(r *machineapi.ListRequest, stream grpc.ServerStreamingServer[machineapi.FileInfo]) error {
	if r.GetRoot() != constants.EtcdDataPath || r.GetRecurse() {
		return status.Errorf(codes.Unimplemented, "the double of Talos lists %s only", constants.EtcdDataPath)
	}
	s.n.w.mu.Lock()
	controlPlane, data := s.n.controlPlane(), s.n.etcd != nil
	s.n.w.mu.Unlock()
	if !controlPlane {
		return stream.Send(&machineapi.FileInfo{Name: constants.EtcdDataPath, RelativeName: ".", Error: "lstat " + constants.EtcdDataPath + ": no such file or directory"})
	}
	if err := stream.Send(&machineapi.FileInfo{Name: constants.EtcdDataPath, RelativeName: ".", IsDir: true}); err != nil || !data {
		return err
	}
	return stream.Send(&machineapi.FileInfo{Name: constants.EtcdDataPath + "/member", RelativeName: "member", IsDir: true})
}

// Reset implements machine.MachineServiceServer.
func (s *machineService) Reset(_ context.Context, r *machineapi.ResetRequest) (*machineapi.ResetResponse, error) {
	if r.GetGraceful() {
		return nil, status.Error(codes.Unimplemented, "the double of Talos is reset by force only")
	}
	n := s.n
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	wiped := len(r.GetSystemPartitionsToWipe()) == 0
	n.disk = n.disk && !wiped
	for _, p := range r.GetSystemPartitionsToWipe() {
		if p.GetLabel() != constants.EphemeralPartitionLabel || !p.GetWipe() {
			return nil, status.Errorf(codes.Unimplemented, "the double of Talos wipes %s or everything", constants.EphemeralPartitionLabel)
		}
		wiped = true
	}
	if wiped {
		n.wipe()
	}
	n.halted, n.serving = !r.GetReboot(), false
	n.w.done.Go(func() {
		n.pause(n.w.ctx) // the answer goes out first
		n.again()
	})
	return &machineapi.ResetResponse{Messages: []*machineapi.Reset{{ActorId: "double"}}}, nil
}

// send sends b as a stream of data.
func send(stream grpc.ServerStreamingServer[common.Data], b []byte) error {
	const chunk = 32 << 10
	for part := range slices.Chunk(b, chunk) {
		if err := stream.Send(&common.Data{Bytes: part}); err != nil {
			return err
		}
	}
	return nil
}
