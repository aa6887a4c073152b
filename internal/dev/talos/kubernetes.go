package talos

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	stdx509 "crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/siderolabs/crypto/x509"
	"github.com/siderolabs/talos/pkg/machinery/api/common"
	"github.com/siderolabs/talos/pkg/machinery/constants"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

var errReadOnly = errors.New("the double of Talos shows its MachineStatus and nothing else")

// bareKubernetes is what answers where nobody gave an API server.
func bareKubernetes(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/readyz":
		_, _ = io.WriteString(w, "ok")
	case "/version":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"major":"1","minor":"36","gitVersion":"v1.36.3"}`)
	default:
		http.NotFound(w, r)
	}
}

// endpoint is the cluster's address for Kubernetes clients. It listens while
// etcd has a quorum.
type endpoint struct {
	server *http.Server
	wanted bool
}

// stepEndpoints opens the endpoints of the clusters that live and closes the
// others.
func (w *World) stepEndpoints() {
	for _, e := range w.endpoints {
		e.wanted = false
	}
	for _, c := range w.clusters {
		if len(c.members) == 0 || !c.healthy() {
			continue
		}
		address := c.members[0].config.Cluster().Endpoint().Host
		if e := w.endpoints[address]; e != nil {
			e.wanted = true
			continue
		}
		server, err := w.open(address, c.members[0])
		if err != nil {
			w.o.Log.Error("the cluster's endpoint cannot be served", "address", address, "error", err)
			continue
		}
		w.endpoints[address] = &endpoint{server: server, wanted: true}
	}
	for address, e := range w.endpoints {
		if !e.wanted {
			_ = e.server.Close()
			delete(w.endpoints, address)
		}
	}
}

func (w *World) closeEndpoints() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.endpoints {
		_ = e.server.Close()
	}
}

// open serves the endpoint with a certificate of the cluster's Kubernetes CA,
// for clients that have one. An endpoint that is a name leads to the node n.
func (w *World) open(address string, n *Node) (*http.Server, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	names, addresses := []string{"kubernetes"}, []net.IP{net.ParseIP(host)}
	if addresses[0] == nil {
		names, addresses = append(names, host), []net.IP{net.ParseIP(n.o.Address)}
		address = net.JoinHostPort(n.o.Address, port)
	}
	pair := n.config.Cluster().IssuingCA()
	ca, err := x509.NewCertificateAuthorityFromCertificateAndKey(pair)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	cert, err := x509.NewKeyPair(ca, x509.CommonName("kube-apiserver"),
		x509.IPAddresses(addresses), x509.DNSNames(names),
		x509.NotBefore(now.Add(-time.Minute)), x509.NotAfter(now.Add(certificateValidity)),
		x509.KeyUsage(stdx509.KeyUsageDigitalSignature), x509.ExtKeyUsage([]stdx509.ExtKeyUsage{stdx509.ExtKeyUsageServerAuth}))
	if err != nil {
		return nil, err
	}
	clients := stdx509.NewCertPool()
	clients.AppendCertsFromPEM(pair.Crt)
	listener, err := new(net.ListenConfig).Listen(w.ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler: w.o.Kubernetes, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*cert.Certificate},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
		},
		BaseContext: func(net.Listener) context.Context { return w.ctx },
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return server, nil
}

// Kubeconfig implements machine.MachineServiceServer: a compressed archive with
// one file.
func (s *machineService) Kubeconfig(_ *emptypb.Empty, stream grpc.ServerStreamingServer[common.Data]) error {
	if err := s.controlPlanes("kubeconfig"); err != nil {
		return err
	}
	content, err := s.n.kubeconfig()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	if err := t.WriteHeader(&tar.Header{Name: "kubeconfig", Size: int64(len(content)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	if _, err := t.Write(content); err != nil {
		return err
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return err
	}
	return send(stream, b.Bytes())
}

// kubeconfig is an administrator's, with a certificate that is made for it.
func (n *Node) kubeconfig() ([]byte, error) {
	cluster := n.config.Cluster()
	ca, err := x509.NewCertificateAuthorityFromCertificateAndKey(cluster.IssuingCA())
	if err != nil {
		return nil, err
	}
	admin, err := x509.NewKeyPair(ca,
		x509.CommonName(constants.KubernetesAdminCertCommonName), x509.Organization(constants.KubernetesAdminCertOrganization),
		x509.NotBefore(n.now()), x509.NotAfter(n.now().Add(constants.KubernetesAdminCertDefaultLifetime)),
		x509.KeyUsage(stdx509.KeyUsageDigitalSignature), x509.ExtKeyUsage([]stdx509.ExtKeyUsage{stdx509.ExtKeyUsageClientAuth}))
	if err != nil {
		return nil, err
	}
	name, user := cluster.Name(), "admin@"+cluster.Name()
	return clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: cluster.Endpoint().String(), CertificateAuthorityData: cluster.IssuingCA().Crt}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{user: {ClientCertificateData: admin.CrtPEM, ClientKeyData: admin.KeyPEM}},
		Contexts:       map[string]*clientcmdapi.Context{user: {Cluster: name, AuthInfo: user, Namespace: "default"}},
		CurrentContext: user,
	})
}
