package talosapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/client"
	"github.com/siderolabs/talos/pkg/machinery/constants"
	"google.golang.org/grpc/codes"
)

// Reason is why a node cannot be talked to.
type Reason string

// The reasons.
const (
	Refused  Reason = "refused"  // the machine is there and Talos's API is not
	Silent   Reason = "silent"   // nothing answers
	Insecure Reason = "insecure" // Talos is in maintenance mode: it has no machine config yet
	Clock    Reason = "clock"    // a certificate is not valid yet, or no more
	Foreign  Reason = "foreign"  // it belongs to another cluster
	Failing  Reason = "failing"  // it answers, with an error
)

// Unreachable is a node that cannot be talked to, and why.
type Unreachable struct {
	Node   string
	Reason Reason
	Detail string // a clause, for a person
}

// Error names the node and the cause.
func (u *Unreachable) Error() string { return u.Node + ": " + u.Detail }

// Remedy is what a person can do.
func (u *Unreachable) Remedy() string {
	switch u.Reason {
	case Clock:
		return "set the clocks: name time servers in cluster.yaml (network.ntp) that the nodes reach, and check this machine's"
	case Foreign:
		return "give the artefact of the cluster that the node belongs to, or free the address"
	case Insecure:
		return "wait until it has rebooted; if it stays so, its machine config did not reach it: run phase 1 again"
	case Refused, Silent:
		return "look at the machine's console in vCenter, and whether this runner may reach port 50000 of it"
	default:
		return "look at the node with talosctl"
	}
}

// explain finds out why a call failed, by a handshake of its own: gRPC keeps
// only the text.
func (n *Node) explain(ctx context.Context, cause error) *Unreachable {
	u := &Unreachable{Node: n.Name, Reason: Failing}
	if code := client.StatusCode(cause); code != codes.Unavailable && code != codes.DeadlineExceeded {
		u.Detail = "it answers " + cause.Error()
		return u
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probe)
	defer cancel()
	err := n.handshake(ctx)
	if err == nil {
		u.Detail = "its connection is sound, and a call fails: " + cause.Error()
		return u
	}
	u.Reason, u.Detail = n.classify(err)
	return u
}

// probe bounds the handshake.
const probe = 3 * time.Second

// handshake makes a connection and waits until the node has accepted the
// client's certificate, which shows with the first byte that it sends.
func (n *Node) handshake(ctx context.Context) error {
	d := tls.Dialer{Config: n.access.tls.Clone()}
	conn, err := d.DialContext(ctx, "tcp", n.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetReadDeadline(deadline); err != nil {
			return err
		}
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

func (n *Node) classify(err error) (Reason, string) {
	if verify, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(verify.UnverifiedCertificates) > 0 {
		return n.judge(verify.UnverifiedCertificates[0], verify.Err)
	}
	text := err.Error()
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused, fmt.Sprintf("%s refuses the connection: Talos is not up, or reboots", n.Address)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return Silent, "nothing answers at " + n.Address
	case strings.Contains(text, "tls: expired certificate"):
		return Clock, "by its clock this runner's certificate is not valid yet, or no more: its clock is wrong, or this machine's"
	case strings.Contains(text, "tls: unknown certificate authority"), strings.Contains(text, "tls: bad certificate"), strings.Contains(text, "tls: certificate required"):
		return Foreign, "it does not know this cluster's CA: it belongs to another cluster"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Silent, "there is no way to " + n.Address
	default:
		return Failing, fmt.Sprintf("%s breaks the connection: %s", n.Address, text)
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// judge says what is wrong with the certificate that a node shows.
func (n *Node) judge(shown *x509.Certificate, cause error) (Reason, string) {
	if shown.Subject.CommonName == constants.MaintenanceServiceCommonName {
		return Insecure, "it is in maintenance mode: it has no machine config yet"
	}
	now := time.Now()
	if now.Before(shown.NotBefore) || now.After(shown.NotAfter) {
		// A stranger's may have expired, too.
		_, err := shown.Verify(x509.VerifyOptions{Roots: n.access.roots, CurrentTime: shown.NotBefore.Add(time.Second)})
		if _, foreign := errors.AsType[x509.UnknownAuthorityError](err); !foreign {
			return Clock, skewed(shown, now)
		}
		cause = x509.UnknownAuthorityError{}
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](cause); ok {
		return Foreign, "its certificate is not of this cluster's CA: it belongs to another cluster"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](cause); ok && invalid.Reason == x509.Expired {
		return Clock, "the cluster's CA is not valid at this machine's time, " + now.UTC().Format(time.RFC3339)
	}
	return Failing, "its certificate is refused: " + cause.Error()
}

func skewed(shown *x509.Certificate, now time.Time) string {
	if now.Before(shown.NotBefore) {
		return fmt.Sprintf("its certificate is valid from %s and it is %s here: its clock is ahead, or this machine's behind, by %s or more",
			shown.NotBefore.Format(time.RFC3339), now.UTC().Format(time.RFC3339), shown.NotBefore.Sub(now).Round(time.Second))
	}
	return fmt.Sprintf("its certificate was valid until %s and it is %s here: its clock is behind, or this machine's ahead",
		shown.NotAfter.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
}
