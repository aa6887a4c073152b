package talos

import (
	"bytes"
	"context"
	"crypto/tls"
	stdx509 "crypto/x509"
	"errors"
	"net"
	"time"

	"github.com/siderolabs/crypto/x509"
	"github.com/siderolabs/talos/pkg/machinery/constants"
)

// certificateValidity is how long Talos's own server certificates hold.
const certificateValidity = 24 * time.Hour

// maintenanceTLS asks nobody for a certificate and shows a self-signed one.
func (n *Node) maintenanceTLS() (*tls.Config, error) {
	ca, err := x509.NewSelfSignedCertificateAuthority(x509.NotBefore(n.now()), x509.NotAfter(n.now().Add(certificateValidity)))
	if err != nil {
		return nil, err
	}
	return n.serverTLS(ca, x509.CommonName(constants.MaintenanceServiceCommonName))
}

// secureTLS shows a certificate of the cluster's CA and asks for one of it. A
// worker has it from a control plane.
func (n *Node) secureTLS() (*tls.Config, error) {
	n.w.mu.Lock()
	issuer := n.issuer()
	n.w.mu.Unlock()
	if issuer == nil {
		return nil, errors.New("no control plane gives it a certificate")
	}
	ca, err := x509.NewCertificateAuthorityFromCertificateAndKey(issuer.config.Machine().Security().IssuingCA())
	if err != nil {
		return nil, err
	}
	c, err := n.serverTLS(ca, x509.CommonName(n.o.Name))
	if err != nil {
		return nil, err
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs = stdx509.NewCertPool()
	c.ClientCAs.AppendCertsFromPEM(bytes.Join(n.acceptedCAs(), []byte("\n")))
	return c, nil
}

// acceptedCAs are those whose clients the node lets in.
func (n *Node) acceptedCAs() [][]byte {
	security := n.config.Machine().Security()
	cas := [][]byte{security.IssuingCA().Crt}
	for _, ca := range security.AcceptedCAs() {
		cas = append(cas, ca.Crt)
	}
	return cas
}

func (n *Node) serverTLS(ca *x509.CertificateAuthority, name x509.Option) (*tls.Config, error) {
	pair, err := x509.NewKeyPair(ca, name,
		x509.IPAddresses([]net.IP{net.ParseIP(n.o.Address)}), x509.DNSNames([]string{n.o.Name}),
		x509.NotBefore(n.now()), x509.NotAfter(n.now().Add(certificateValidity)),
		x509.KeyUsage(stdx509.KeyUsageDigitalSignature), x509.ExtKeyUsage([]stdx509.ExtKeyUsage{stdx509.ExtKeyUsageServerAuth}))
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*pair.Certificate}, Time: n.now}, nil
}

// conns are a node's open connections, so that they can be broken.
type conns struct {
	add chan net.Conn
	cut chan struct{}
}

func newConns() *conns {
	return &conns{add: make(chan net.Conn), cut: make(chan struct{})}
}

// keep tracks connections until ctx ends.
func (c *conns) keep(ctx context.Context) {
	var open []net.Conn
	for {
		select {
		case conn := <-c.add:
			open = append(open, conn)
		case <-c.cut:
			for _, conn := range open {
				_ = conn.Close()
			}
			open = nil
		case <-ctx.Done():
			return
		}
	}
}

// tracked is a listener whose connections the node knows.
type tracked struct {
	net.Listener
	ctx   context.Context
	conns *conns
}

// Accept implements net.Listener.
func (t tracked) Accept() (net.Conn, error) {
	conn, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case t.conns.add <- conn:
	case <-t.ctx.Done():
	}
	return conn, nil
}
