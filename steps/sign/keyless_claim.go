package sign

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	sigstorebundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"golang.org/x/sync/errgroup"
)

// keyless gives the signatures among the bundles that refer to the image.
func (b bundles) keyless(ctx context.Context, k keyless) ([]keylessClaim, error) {
	referrers, err := b.referrers(ctx, func(predicateType string) bool { return predicateType == signatureType })
	if err != nil {
		return nil, b.explain("referrers of "+b.ref.String(), err)
	}
	claims := make([]keylessClaim, len(referrers))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, d := range referrers {
		group.Go(func() error {
			_, parsed, flaw, err := b.parse(ctx, d)
			switch {
			case err != nil:
				return b.explain(fmt.Sprintf("referrer %s of %s", d.Digest, b.ref), err)
			case flaw != "":
				claims[i] = keylessClaim{format: Bundle, flaw: oneLine(flaw)}
			default:
				claims[i] = k.bundle(b.subject, parsed)
			}
			return nil
		})
	}
	return claims, group.Wait()
}

// bundle judges a bundle: a statement of cosign's about the image, or a signature
// of its manifest.
func (k keyless) bundle(image *subject, b *sigstorebundle.Bundle) keylessClaim {
	digest, err := hex.DecodeString(image.hash.Hex)
	if err != nil {
		return keylessClaim{format: Bundle, flaw: err.Error()}
	}
	c := k.judge(b, verify.WithArtifactDigest(image.hash.Algorithm, digest))
	c.format = Bundle
	envelope := b.GetDsseEnvelope()
	if envelope == nil {
		if about := hex.EncodeToString(b.GetMessageSignature().GetMessageDigest().GetDigest()); c.flaw != "" && about != image.hash.Hex {
			c.flaw = "about another image, sha256:" + about
		}
		return c
	}
	s, err := parseStatement(envelope.GetPayload())
	switch {
	case err != nil:
		c.flaw = oneLine(err.Error())
	case s.PredicateType != signatureType:
		c.flaw = fmt.Sprintf("an attestation (%s), not a signature", TypeName(s.PredicateType))
	case c.flaw != "" && !s.about(image):
		c.flaw = "about another image, " + s.subjectDigest()
	}
	return c
}

// judge verifies an entity's log entry, time, certificate, signature of the
// artifact, and identity, in this order.
func (k keyless) judge(entity verify.SignedEntity, artifact verify.ArtifactPolicyOption) keylessClaim {
	result, err := k.verifier.Verify(entity, verify.NewPolicy(artifact, k.identity))
	if err != nil {
		return keylessClaim{flaw: oneLine(k.why(entity, err))}
	}
	by := result.Signature.Certificate
	return keylessClaim{issuer: by.Issuer, subject: by.SubjectAlternativeName}
}

// why puts the error of a verification in words. It decides nothing.
func (k keyless) why(entity verify.SignedEntity, err error) string {
	content, contentErr := entity.VerificationContent()
	if contentErr != nil {
		return contentErr.Error()
	}
	cert := content.Certificate()
	if cert == nil {
		return "signed by a key, not by an identity"
	}
	if _, other := errors.AsType[*verify.ErrNoMatchingCertificateIdentity](err); other {
		by, err := certificate.SummarizeCertificate(cert)
		if err != nil {
			return "signed by another identity"
		}
		return fmt.Sprintf("signed by %s (%s)", by.SubjectAlternativeName, by.Issuer)
	}
	if entries, err := entity.TlogEntries(); err == nil && len(entries) == 0 {
		return flawNoEntry
	}
	times, logErr := k.verifier.VerifyTransparencyLogInclusion(entity)
	if logErr != nil {
		return "its entry of the transparency log does not hold: " + logErr.Error()
	}
	if times, logErr = k.verifier.VerifyObserverTimestamps(entity, times); logErr != nil {
		return "nothing proves when it was signed: " + logErr.Error()
	}
	for _, at := range times {
		if _, err := verify.VerifyLeafCertificate(at.Timestamp, cert, k.trusted); err != nil {
			return "its certificate is not of a trusted CA: " + cert.Issuer.String()
		}
	}
	return err.Error()
}

const flawNoEntry = "it has no entry of a transparency log"

func oneLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}
