package sign

import (
	"context"
	"crypto/sha256"
	"net/url"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	rekor "github.com/sigstore/rekor/pkg/client"
	"github.com/sigstore/rekor/pkg/generated/client"
	"github.com/sigstore/rekor/pkg/generated/models"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// transparencyLog is a Rekor (v1) server. A nil one records nothing.
type transparencyLog struct {
	address string
	rekor   *client.Rekor
}

func newTransparencyLog(address, caFile string) (*transparencyLog, error) {
	if address == "" {
		return nil, nil
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fault.Inputf("transparency log %q is not an http(s) URL", address).Fix("give --rekor-url as https://rekor.example.com")
	}
	tls, err := registry.TLSConfig(caFile)
	if err != nil {
		return nil, err
	}
	c, err := rekor.GetRekorClient(address, rekor.WithUserAgent("pave"), rekor.WithTLSConfig(tls), rekor.WithRetryCount(2))
	if err != nil {
		return nil, fault.Inputf("transparency log %s: %w", address, err)
	}
	return &transparencyLog{address, c}, nil
}

// recordEnvelope records a DSSE envelope. Without a log the entry is nil.
func (l *transparencyLog) recordEnvelope(ctx context.Context, envelope, publicKey []byte) (*models.LogEntryAnon, error) {
	if l == nil {
		return nil, nil
	}
	entry, err := cosign.TLogUploadDSSEEnvelope(ctx, l.rekor, envelope, publicKey)
	return entry, l.explain(err)
}

// recordSignature records the signature of content. Without a log the entry is
// nil.
func (l *transparencyLog) recordSignature(ctx context.Context, signature, content, publicKey []byte) (*models.LogEntryAnon, error) {
	if l == nil {
		return nil, nil
	}
	sum := sha256.New()
	sum.Write(content)
	entry, err := cosign.TLogUpload(ctx, l.rekor, signature, sum, publicKey)
	return entry, l.explain(err)
}

func (l *transparencyLog) explain(err error) error {
	if err == nil {
		return nil
	}
	return fault.Failedf("transparency log %s did not record the signature: %w", l.address, err).Fix("check --rekor-url, or leave it out to sign offline")
}
