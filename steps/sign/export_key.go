package sign

import (
	"context"
	"fmt"
	"io"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

// PublicKeyOptions say whose public half to write, and where.
type PublicKeyOptions struct {
	Key    Key
	CAFile string // CA of Vault, for a key that is there
	Output string // path of the PEM file; its folder is made if missing
}

// PublicKeyResult is the outcome of WritePublicKey.
type PublicKeyResult struct {
	Path string `json:"path"`
	PEM  string `json:"pem"` // PKIX public key
}

// Summary says the result in a line.
func (r PublicKeyResult) Summary(w io.Writer) {
	fmt.Fprintf(w, "public key  %s\n", r.Path)
}

// WritePublicKey writes the public half of a signing key, for those who verify.
func WritePublicKey(ctx context.Context, o PublicKeyOptions) (PublicKeyResult, error) {
	s, err := o.Key.signer(ctx, o.CAFile)
	if err != nil {
		return PublicKeyResult{}, err
	}
	if err := outfile.Write(o.Output, s.pem); err != nil {
		return PublicKeyResult{}, fault.Failedf("public key: %w", err)
	}
	return PublicKeyResult{Path: o.Output, PEM: string(s.pem)}, nil
}
