package sign

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// subject is the image that statements are about, in its registry.
type subject struct {
	ref    name.Digest
	hash   v1.Hash
	client *registry.Client
}

// openSubject makes sure that the image is there.
func openSubject(ctx context.Context, ref string, o registry.Options) (*subject, error) {
	digest, err := registry.ParseDigest(ref)
	if err != nil {
		return nil, err
	}
	hash, err := v1.NewHash(digest.DigestStr())
	if err != nil {
		return nil, fault.Inputf("image reference %q: %w", ref, err)
	}
	client, err := registry.New(o)
	if err != nil {
		return nil, err
	}
	s := &subject{ref: digest, hash: hash, client: client}
	if _, err := remote.Head(digest, s.remote(ctx)...); err != nil {
		s.close()
		if notFound(err) {
			return nil, fault.Inputf("image %s is not in its registry", ref).Fix("publish it first")
		}
		return nil, s.explain("image "+ref, err)
	}
	return s, nil
}

func (s *subject) close() { s.client.Close() }

func (s *subject) remote(ctx context.Context) []remote.Option { return s.client.Remote(ctx) }

func (s *subject) cosign(ctx context.Context) ociremote.Option {
	return ociremote.WithRemoteOptions(s.remote(ctx)...)
}

func (s *subject) explain(what string, err error) error {
	return registry.Explain(what, s.ref.Registry, err)
}

func notFound(err error) bool {
	response, ok := errors.AsType[*transport.Error](err)
	return ok && response.StatusCode == http.StatusNotFound
}
