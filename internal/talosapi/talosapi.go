// Package talosapi talks to the Talos nodes of one cluster, each directly, over
// mutual TLS with the cluster's own secrets.
//
// It promises that a node which does not answer as it should is told apart by
// why: switched off, without a config, of another cluster, with a wrong clock.
package talosapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/client"
	clientconfig "github.com/siderolabs/talos/pkg/machinery/client/config"
	"github.com/siderolabs/talos/pkg/machinery/constants"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
)

// Access is what opens the nodes of a cluster.
type Access struct {
	context *clientconfig.Context
	tls     *tls.Config
	roots   *x509.CertPool
}

// NewAccess takes the current context of a talosconfig.
func NewAccess(config *clientconfig.Config) (*Access, error) {
	c := config.Contexts[config.Context]
	if c == nil {
		return nil, errors.New("the talosconfig has no current context")
	}
	ca, err := base64.StdEncoding.DecodeString(c.CA)
	if err != nil {
		return nil, errors.New("the talosconfig's CA is no base64") // the cause could quote it
	}
	a := &Access{context: c, roots: x509.NewCertPool()}
	if !a.roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("the talosconfig has no CA certificate")
	}
	pair, err := client.CertificateFromConfigContext(c)
	if err != nil || pair == nil {
		return nil, errors.New("the talosconfig has no client certificate with its key")
	}
	a.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.roots, Certificates: []tls.Certificate{*pair}, NextProtos: []string{"h2"}}
	return a, nil
}

// Node is a node and the connection to it.
type Node struct {
	Name    string
	Address string // host:port of the Talos API
	access  *Access
	client  *client.Client
}

// Dial prepares the connection, which is made by the first call. A proxy in the
// environment is not for the nodes.
func (a *Access) Dial(ctx context.Context, name, address string) (*Node, error) {
	n := &Node{Name: name, Address: withPort(address), access: a}
	c, err := client.New(ctx, client.WithConfigContext(a.context), client.WithEndpoints(n.Address), client.WithGRPCDialOptions(
		grpc.WithNoProxy(),
		grpc.WithConnectParams(grpc.ConnectParams{
			MinConnectTimeout: 5 * time.Second,
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
		}),
	))
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", name, err)
	}
	n.client = c
	return n, nil
}

func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(address, strconv.Itoa(constants.ApidPort))
}

// Host is the node's address without the port.
func (n *Node) Host() string {
	host, _, err := net.SplitHostPort(n.Address)
	if err != nil {
		return n.Address
	}
	return host
}

// Close ends the connection.
func (n *Node) Close() { _ = n.client.Close() }

// try bounds one call to a node that may hang.
const try = 10 * time.Second

// Version asks for the version of Talos, as in v1.13.0. It is the call that
// tells whether the node is there; the error is an *Unreachable.
func (n *Node) Version(ctx context.Context) (string, error) {
	given := ctx
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	n.client.Conn().ResetConnectBackoff()
	r, err := n.client.Version(ctx)
	if errors.Is(given.Err(), context.Canceled) { // nobody wants to know why
		return "", &Unreachable{Node: n.Name, Reason: Silent, Detail: "nobody waited for an answer from " + n.Address}
	}
	if err != nil {
		return "", n.explain(ctx, err)
	}
	for _, m := range r.GetMessages() {
		return m.GetVersion().GetTag(), nil
	}
	return "", &Unreachable{Node: n.Name, Reason: Failing, Detail: "it gives no version"}
}

// Await calls Version until it is answered or ctx ends; then the error is the
// last *Unreachable. It tells changed each time the reason is another one.
func (n *Node) Await(ctx context.Context, poll time.Duration, changed func(*Unreachable)) (string, error) {
	var last *Unreachable
	for {
		version, err := n.Version(ctx)
		if err == nil {
			return version, nil
		}
		var u *Unreachable
		if ctx.Err() == nil && errors.As(err, &u) {
			if last == nil || last.Reason != u.Reason {
				changed(u)
			}
			last = u
		}
		select {
		case <-ctx.Done():
			if last == nil {
				last = &Unreachable{Node: n.Name, Reason: Silent, Detail: "nothing answers at " + n.Address}
			}
			return "", last
		case <-time.After(poll):
		}
	}
}

// Passing tells whether an error of a call may be gone the next time.
func Passing(err error) bool {
	switch client.StatusCode(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.FailedPrecondition, codes.ResourceExhausted, codes.Aborted, codes.Internal:
		return true
	default:
		return false
	}
}
