package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"

	"dagger/tests/internal/dagger"
)

// Sign tests signing, attesting and verifying, twice, in both layouts, and what is refused.
// +cache="never"
func (t *Tests) Sign(ctx context.Context) error {
	s, err := t.start(ctx, "sign")
	if err != nil {
		return err
	}
	defer s.stop()
	key, err := newKey("sign-key")
	if err != nil {
		return err
	}
	other, err := newKey("sign-other-key")
	if err != nil {
		return err
	}
	ours := dagger.SignOpts{Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: s.password, Key: key}
	theirs := ours
	theirs.Key = other
	legacy := ours
	legacy.Legacy = true

	image := dag.Image(dagger.ImageOpts{Toolbox: s.tools, Ca: s.ca, RegistryUser: registryUser, RegistryPassword: s.password})
	for name, opts := range map[string]dagger.SignOpts{"bundle": ours, "legacy": legacy} {
		published, err := decode[imageResult](image.Publish(ctx, t.hello(), registryHost+"/sign/"+name+":1"))
		if err != nil {
			return err
		}
		if err := t.signTwice(ctx, dag.Sign(opts), published.Ref); err != nil {
			return err
		}
		_, byOther := dag.Sign(theirs).Verify(ctx, published.Ref)
		_, missing := dag.Sign(ours).Verify(ctx, published.Ref, dagger.SignVerifyOpts{Require: []string{"vuln"}})
		_, commit := dag.Sign(ours).Verify(ctx, published.Ref, dagger.SignVerifyOpts{Commit: "feedfacefeedfacefeedfacefeedfacefeedface"})
		if err := errors.Join(refused(byOther, 3, "key"), refused(missing, 3, "vuln"), refused(commit, 3, "feedfacefeedfacefeedfacefeedfacefeedface")); err != nil {
			return err
		}
		if err := t.sealed(ctx, dag.Sign(opts), published.Ref); err != nil {
			return err
		}
	}
	unsigned, err := decode[imageResult](image.Publish(ctx, t.hello(), registryHost+"/sign/unsigned:1"))
	if err != nil {
		return err
	}
	_, nothing := dag.Sign(ours).Verify(ctx, unsigned.Ref)
	return refused(nothing, 3, "no signature")
}

func (t *Tests) signTwice(ctx context.Context, m *dagger.Sign, ref string) error {
	spdx := dag.Sbom(dagger.SbomOpts{Toolbox: t.Tools}).Spdx(t.hello())
	provenance := m.Provenance("https://example.com/web/hello-go", "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00", dagger.SignProvenanceOpts{Parameters: []string{"builder=go"}})
	var signed, added []bool
	for range 2 {
		signature, err := decode[struct{ Signed bool }](m.Image(ctx, ref))
		if err != nil {
			return err
		}
		signed = append(signed, signature.Signed)
		attested, err := decode[struct {
			Attestations []struct{ Added bool }
		}](m.Attest(ctx, ref, dagger.SignAttestOpts{Spdx: spdx, Provenance: provenance}))
		if err != nil {
			return err
		}
		for _, a := range attested.Attestations {
			added = append(added, a.Added)
		}
	}
	proof, err := decode[struct{ Signature struct{ Verified bool } }](
		m.Verify(ctx, ref, dagger.SignVerifyOpts{Require: []string{"spdx", "slsaprovenance1"}, Commit: "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"}))
	return errors.Join(err,
		want("verified", proof.Signature.Verified, true),
		want("signed once", slices.Equal(signed, []bool{true, false}), true),
		want("attested once", slices.Equal(added, []bool{true, true, false, false}), true),
	)
}

// sealed seals an image that has signatures already: what is there stays, what is missing
// is added.
func (t *Tests) sealed(ctx context.Context, m *dagger.Sign, ref string) error {
	database := dag.Lab(dagger.LabOpts{Toolbox: t.Tools}).VulnerabilityDatabase()
	gates := dag.Scan(dagger.ScanOpts{Toolbox: t.Tools, Database: database}).Gate(t.hello()).Files()
	files, err := m.Seal(ref, gates, "https://example.com/web/hello-go", "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",
		dagger.SignSealOpts{Parameters: []string{"builder=go"}}).Sync(ctx)
	if err != nil {
		return err
	}
	signature, err := decode[struct{ Signed bool }](files.File("sign.json").Contents(ctx))
	if err != nil {
		return err
	}
	attested, err := decode[struct {
		Attestations []struct {
			Type  string
			Added bool
		}
	}](files.File("attest.json").Contents(ctx))
	if err != nil {
		return err
	}
	proof, err := decode[struct{ Attestations []struct{ Verified bool } }](files.File("verify.json").Contents(ctx))
	if err != nil {
		return err
	}
	added := map[string]bool{}
	for _, a := range attested.Attestations {
		added[a.Type] = a.Added
	}
	return errors.Join(
		want("signed again", signature.Signed, false),
		want("provenance attested again", added["slsaprovenance1"], false),
		want("vulnerabilities attested", added["vuln"], true),
		want("verified attestations", len(proof.Attestations), 4),
	)
}

// newKey makes a private key that never leaves memory.
func newKey(name string) (*dagger.Secret, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return dag.SetSecret(name, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))), nil
}
