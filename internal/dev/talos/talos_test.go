package talos_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	machineapi "github.com/siderolabs/talos/pkg/machinery/api/machine"
	"github.com/siderolabs/talos/pkg/machinery/client"
	clientconfig "github.com/siderolabs/talos/pkg/machinery/client/config"
	"github.com/siderolabs/talos/pkg/machinery/constants"
	"github.com/siderolabs/talos/pkg/machinery/role"
	"google.golang.org/grpc/codes"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/internal/dev/talos"
)

// dial gives a client of a node with the roles given.
func dial(t *testing.T, c *bootstraptest.Cluster, node string, roles ...role.Role) *client.Client {
	t.Helper()
	pair, err := c.Bundle.GenerateTalosAPIClientCertificate(role.MakeSet(roles...))
	if err != nil {
		t.Fatal(err)
	}
	config := clientconfig.NewConfig("x", []string{c.World.Node(node).Address()}, c.Bundle.Certs.OS.Crt, pair)
	return open(t, client.WithConfig(config))
}

func open(t *testing.T, options ...client.OptionFunc) *client.Client {
	t.Helper()
	api, err := client.New(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	return api
}

// up waits until a node answers a client.
func up(t *testing.T, api *client.Client) {
	t.Helper()
	for {
		_, err := api.Version(t.Context())
		if err == nil {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestAnEndpointThatIsANameLeadsToTheFirstMember(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Endpoint: "https://platform.example.internal:6443"})
	admin := dial(t, c, "cp-1", role.Admin)
	up(t, admin)
	if err := admin.Bootstrap(t.Context(), &machineapi.BootstrapRequest{}); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.Bundle.Certs.K8s.Crt)
	d := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: "platform.example.internal"}}
	for {
		conn, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort(c.World.Node("cp-1").Address(), "6443"))
		if err == nil {
			_ = conn.Close()
			return
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestTheDoubleRefusesWhatTalosRefuses(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Workers: 1})
	admin, worker, reader := dial(t, c, "cp-1", role.Admin), dial(t, c, "worker-1", role.Admin), dial(t, c, "cp-1", role.Reader)
	for _, api := range []*client.Client{admin, worker, reader} {
		up(t, api)
	}
	ctx := t.Context()
	if err := admin.Bootstrap(ctx, &machineapi.BootstrapRequest{RecoverEtcd: true}); client.StatusCode(err) != codes.FailedPrecondition {
		t.Errorf("a recovery without a snapshot: %v", err)
	}
	if _, err := admin.EtcdRecover(ctx, strings.NewReader("no snapshot")); client.StatusCode(err) != codes.InvalidArgument {
		t.Errorf("a snapshot that is none: %v", err)
	}
	if _, err := admin.EtcdMemberList(ctx, &machineapi.EtcdMemberListRequest{}); client.StatusCode(err) != codes.Unavailable {
		t.Errorf("members before the bootstrap: %v", err)
	}
	if err := reader.Bootstrap(ctx, &machineapi.BootstrapRequest{}); client.StatusCode(err) != codes.PermissionDenied {
		t.Errorf("a bootstrap by a reader: %v", err)
	}
	if err := worker.Bootstrap(ctx, &machineapi.BootstrapRequest{}); client.StatusCode(err) != codes.FailedPrecondition {
		t.Errorf("a bootstrap of a worker: %v", err)
	}
	if err := admin.Bootstrap(ctx, &machineapi.BootstrapRequest{}); err != nil {
		t.Error(err)
	}
	if err := admin.Bootstrap(ctx, &machineapi.BootstrapRequest{}); client.StatusCode(err) != codes.AlreadyExists {
		t.Errorf("a second bootstrap: %v", err)
	}
	if _, err := worker.Kubeconfig(ctx); client.StatusCode(err) != codes.Unimplemented {
		t.Errorf("a worker's kubeconfig: %v", err)
	}
	if _, err := admin.Memory(ctx); client.StatusCode(err) != codes.Unimplemented {
		t.Errorf("a call that the double does not know: %v", err)
	}
	if _, err := admin.Version(client.WithNodes(ctx, "127.0.0.1")); client.StatusCode(err) != codes.Unimplemented {
		t.Errorf("a call for other nodes: %v", err)
	}
	if _, err := admin.EtcdStatus(ctx); client.StatusCode(err) != codes.OK && client.StatusCode(err) != codes.Unavailable {
		t.Errorf("etcd's status: %v", err)
	}
}

func TestAMachineWithoutAConfigTakesOneInMaintenanceAndReboots(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Bare: []string{"cp-1"}})
	node := c.World.Node("cp-1")
	insecure := open(t, client.WithEndpoints(node.Address()), client.WithTLSConfig(&tls.Config{InsecureSkipVerify: true}))
	up(t, insecure)
	if _, err := insecure.ServiceList(t.Context()); client.StatusCode(err) != codes.Unimplemented {
		t.Errorf("services in maintenance mode: %v", err)
	}
	apply := func(config []byte) error {
		_, err := insecure.ApplyConfiguration(t.Context(), &machineapi.ApplyConfigurationRequest{Data: config})
		return err
	}
	if err := apply([]byte("version: v1alpha1\n")); client.StatusCode(err) != codes.InvalidArgument {
		t.Errorf("half a config: %v", err)
	}
	if err := apply(c.MachineConfig(t, c.Bundle, "controlplane")); err != nil {
		t.Fatal(err)
	}
	up(t, dial(t, c, "cp-1", role.Admin))
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", node.Address()+":50000")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if name := conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName; name == constants.MaintenanceServiceCommonName {
		t.Error("it is still in maintenance mode")
	}
}

func TestAFolderOfMachinesIsFollowed(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{})
	dir := t.TempDir()
	ended := make(chan error, 1)
	w := talos.New(t.Context(), talos.Options{})
	defer w.Close()
	go func() { ended <- w.Follow(t.Context(), dir) }()
	config := base64.StdEncoding.EncodeToString(c.MachineConfig(t, c.Bundle, "controlplane"))
	address := strings.TrimSuffix(strings.TrimPrefix(c.Content.Cluster.Endpoint, "https://"), "250:6443") + "9"
	put := func(id string) {
		bootstraptest.Write(t, dir, "cp-9.json", []byte(`{"id":"`+id+`","address":"`+address+`","config":"`+config+`"}`))
	}
	seen := func(is func(*talos.Node) bool) *talos.Node {
		t.Helper()
		for {
			if n := w.Node("cp-9"); is(n) {
				return n
			}
			select {
			case err := <-ended:
				t.Fatal(err)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	put("1")
	first := seen(func(n *talos.Node) bool { return n != nil })
	put("2")
	seen(func(n *talos.Node) bool { return n != nil && n != first })
	bootstraptest.Remove(t, dir, "cp-9.json")
	seen(func(n *talos.Node) bool { return n == nil })
	bootstraptest.Write(t, dir, "cp-9.json", bytes.Repeat([]byte("x"), 9))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "cp-9.json is no machine") {
		t.Errorf("got %v", err)
	}
}
