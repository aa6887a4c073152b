// Package ca makes a certificate authority and a server certificate for demos
// and tests, so that nothing has to turn TLS verification off.
//
// It promises to keep what is good: a second run with the same hosts changes
// no file, and clients that trust ca.crt go on trusting it.
package ca

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

// Options say where the files go and whom the certificate is for.
type Options struct {
	Dir   string   // made where it is missing
	Hosts []string // DNS names and IP addresses of the server, at least one
}

// Result names the files, all PEM. The keys are readable by their owner only.
type Result struct {
	CA      string    `json:"ca"`      // ca.crt; ca.key lies beside it
	Cert    string    `json:"cert"`    // tls.crt
	Key     string    `json:"key"`     // tls.key
	Hosts   []string  `json:"hosts"`   // sorted
	Expires time.Time `json:"expires"` // of the server certificate
	Changed bool      `json:"changed"` // false: all was there
}

// Summary writes r for a person.
func (r Result) Summary(w io.Writer) {
	state := "kept"
	if r.Changed {
		state = "made"
	}
	fmt.Fprintf(w, "CA           %s\ncertificate  %s (%s, for %s, until %s)\nkey          %s\n",
		r.CA, r.Cert, state, strings.Join(r.Hosts, ", "), r.Expires.Format(time.DateOnly), r.Key)
}

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 397 * 24 * time.Hour // the longest that browsers accept
	renewBefore   = 30 * 24 * time.Hour
)

// Run makes what is missing, expiring or for other hosts.
func Run(_ context.Context, o Options) (Result, error) {
	hosts, err := cleanHosts(o.Hosts)
	if err != nil {
		return Result{}, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return Result{}, fault.Inputf("output folder: %w", err)
	}
	file := func(name string) string { return filepath.Join(o.Dir, name) }
	r := Result{CA: file("ca.crt"), Cert: file("tls.crt"), Key: file("tls.key"), Hosts: hosts}

	authority, err := load(r.CA, file("ca.key"))
	if err != nil || !isAuthority(authority) {
		if authority, err = newAuthority(); err != nil {
			return Result{}, err
		}
		if err := authority.save(r.CA, file("ca.key")); err != nil {
			return Result{}, err
		}
		r.Changed = true
	}
	server, err := load(r.Cert, r.Key)
	if err != nil || !serves(server, authority, hosts) {
		if server, err = authority.issue(hosts); err != nil {
			return Result{}, err
		}
		if err := server.save(r.Cert, r.Key); err != nil {
			return Result{}, err
		}
		r.Changed = true
	}
	r.Expires = server.cert.NotAfter
	return r, nil
}

func isAuthority(p *pair) bool {
	return p.cert.IsCA && time.Until(p.cert.NotAfter) > renewBefore
}

// serves tells whether server is by authority, for exactly hosts, and will be
// for a while.
func serves(server, authority *pair, hosts []string) bool {
	have := slices.Clone(server.cert.DNSNames)
	for _, ip := range server.cert.IPAddresses {
		have = append(have, ip.String())
	}
	slices.Sort(have)
	roots := x509.NewCertPool()
	roots.AddCert(authority.cert)
	_, err := server.cert.Verify(x509.VerifyOptions{Roots: roots})
	return err == nil && slices.Equal(have, hosts) && time.Until(server.cert.NotAfter) > renewBefore
}

var dnsName = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// cleanHosts validates, unifies and sorts hosts.
func cleanHosts(hosts []string) ([]string, error) {
	var clean []string
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			clean = append(clean, ip.String())
			continue
		}
		name := strings.ToLower(h)
		if len(name) > 253 || !dnsName.MatchString(name) {
			return nil, fault.Inputf("host %q is neither a DNS name nor an IP address", h).Fix("give it without scheme and port")
		}
		clean = append(clean, name)
	}
	slices.Sort(clean)
	if clean = slices.Compact(clean); len(clean) == 0 {
		return nil, fault.Inputf("no host is given").Fix("give the server's DNS names and IP addresses")
	}
	return clean, nil
}
