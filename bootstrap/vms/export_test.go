package vms

import (
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"

	"github.com/pave-platform/pave/bootstrap/config"
)

// WithSecrets gives o another source of a new cluster's secrets.
func WithSecrets(o Options, source func(*config.Cluster) (*secrets.Bundle, error)) Options {
	o.newSecrets = source
	return o
}

// Fingerprint names a set of secrets.
func Fingerprint(b *secrets.Bundle) string { return fingerprint(b) }
