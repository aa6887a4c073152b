package talos

import (
	"context"
	"crypto/tls"
	"errors"
	"path"
	"strings"

	"github.com/cosi-project/runtime/api/v1alpha1"
	"github.com/cosi-project/runtime/pkg/state/protobuf/server"
	machineapi "github.com/siderolabs/talos/pkg/machinery/api/machine"
	"github.com/siderolabs/talos/pkg/machinery/role"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// serve answers until ctx ends. It says when it begins to.
func (n *Node) serve(ctx context.Context, config func() (*tls.Config, error), begun func()) error {
	c, err := config()
	if err != nil {
		return err
	}
	listener, err := n.listen(ctx)
	if err != nil {
		return err
	}
	track, untrack := context.WithCancel(ctx)
	defer untrack()
	n.w.done.Go(func() { n.conns.keep(track) })
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(c)), grpc.UnaryInterceptor(n.unary), grpc.StreamInterceptor(n.stream))
	machineapi.RegisterMachineServiceServer(s, &machineService{n: n})
	v1alpha1.RegisterStateServer(s, server.NewState(resources{n}))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(tracked{listener, track, n.conns}) }()
	begun()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		s.Stop()
		<-ended
		return nil
	}
}

func (n *Node) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	call, err := n.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	answer, err := handler(ctx, req)
	if err == nil {
		n.w.did(call)
	}
	return answer, err
}

func (n *Node) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	call, err := n.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	if err := handler(srv, stream); err != nil {
		return err
	}
	n.w.did(call)
	return nil
}

// allowed are the methods that the double knows and the roles that may call
// them.
var allowed = map[string][]role.Role{
	"/machine.MachineService/ApplyConfiguration": {role.Admin},
	"/machine.MachineService/Bootstrap":          {role.Admin},
	"/machine.MachineService/EtcdMemberList":     {role.Admin, role.Operator, role.Reader, role.EtcdBackup},
	"/machine.MachineService/EtcdRecover":        {role.Admin},
	"/machine.MachineService/EtcdSnapshot":       {role.Admin, role.Operator, role.EtcdBackup},
	"/machine.MachineService/EtcdStatus":         {role.Admin, role.Operator, role.Reader, role.EtcdBackup},
	"/machine.MachineService/Kubeconfig":         {role.Admin},
	"/machine.MachineService/List":               {role.Admin, role.Operator, role.Reader},
	"/machine.MachineService/Reset":              {role.Admin},
	"/machine.MachineService/ServiceList":        {role.Admin, role.Operator, role.Reader},
	"/machine.MachineService/Version":            {role.Admin, role.Operator, role.Reader, role.EtcdBackup},
	"/cosi.resource.State/Get":                   {role.Admin, role.Operator, role.Reader},
}

// admit decides whether a call may be done.
func (n *Node) admit(ctx context.Context, method string) (Call, error) {
	call := Call{Node: n.o.Name, Method: path.Base(method)}
	roles, known := allowed[method]
	if !known {
		return call, status.Errorf(codes.Unimplemented, "the double of Talos does not know %s", method)
	}
	if md, _ := metadata.FromIncomingContext(ctx); len(md.Get("nodes"))+len(md.Get("node")) > 0 {
		return call, status.Error(codes.Unimplemented, "the double of Talos passes no calls on to other nodes")
	}
	n.w.mu.Lock()
	secure := n.serving
	n.w.mu.Unlock()
	switch {
	case !secure && call.Method != "ApplyConfiguration" && call.Method != "Version":
		return call, status.Error(codes.Unimplemented, "API is not implemented in maintenance mode")
	case secure && !mayCall(ctx, roles):
		return call, status.Error(codes.PermissionDenied, "not authorized")
	}
	if err := n.w.asked(ctx, call); err != nil {
		if errors.Is(err, ErrDrop) {
			n.Drop()
			return call, status.Error(codes.Unavailable, "dropped")
		}
		return call, err
	}
	return call, nil
}

// Drop breaks the connections to the node.
func (n *Node) Drop() {
	select {
	case n.conns.cut <- struct{}{}:
	case <-n.w.ctx.Done():
	}
}

// mayCall looks for a role in the client's certificate.
func mayCall(ctx context.Context, roles []role.Role) bool {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return false
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.PeerCertificates) == 0 {
		return false
	}
	for _, has := range info.State.PeerCertificates[0].Subject.Organization {
		for _, may := range roles {
			if strings.EqualFold(has, string(may)) {
				return true
			}
		}
	}
	return false
}
