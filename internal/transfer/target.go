package transfer

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
)

// cancelTime is how long the end of a run waits for a target to forget an upload.
const cancelTime = 10 * time.Second

// accepted are the manifests that we understand.
var accepted = []string{strings.Join([]string{
	string(types.OCIImageIndex), string(types.OCIManifestSchema1),
	string(types.DockerManifestList), string(types.DockerManifestSchema2),
	"application/vnd.oci.artifact.manifest.v1+json", "*/*",
}, ", ")}

// hasBlob asks whether a repository has a blob.
func (h *host) hasBlob(ctx context.Context, in name.Repository, d v1.Descriptor) (bool, error) {
	resp, err := h.do(ctx, call{
		method: http.MethodHead, path: in.RepositoryStr() + "/blobs/" + d.Digest.String(),
		repositories: []string{in.RepositoryStr()}, want: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil {
		return false, err
	}
	drain(resp)
	// Some answer a HEAD without a length; a wrong one is another blob.
	return resp.StatusCode == http.StatusOK && (resp.ContentLength < 0 || resp.ContentLength == d.Size), nil
}

// head gives the digest of a manifest, by tag or by digest; the zero value where
// there is none.
func (h *host) head(ctx context.Context, in name.Repository, reference string) (v1.Hash, error) {
	resp, err := h.do(ctx, call{
		method: http.MethodHead, path: in.RepositoryStr() + "/manifests/" + reference,
		header:       http.Header{"Accept": accepted},
		repositories: []string{in.RepositoryStr()}, want: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil {
		return v1.Hash{}, err
	}
	drain(resp)
	if resp.StatusCode == http.StatusNotFound {
		return v1.Hash{}, nil
	}
	if d, err := v1.NewHash(resp.Header.Get("Docker-Content-Digest")); err == nil {
		return d, nil
	}
	// The header is not required. Without it only the manifest tells.
	m, err := h.manifest(ctx, in, reference)
	return m.desc.Digest, err
}

// putManifest sends a manifest to a tag or to its digest.
func (h *host) putManifest(ctx context.Context, to name.Repository, reference string, n *node) error {
	resp, err := h.do(ctx, call{
		method: http.MethodPut, path: to.RepositoryStr() + "/manifests/" + reference,
		header: http.Header{"Content-Type": {string(n.desc.MediaType)}}, body: n.raw,
		repositories: []string{to.RepositoryStr()}, want: []int{http.StatusCreated, http.StatusOK, http.StatusAccepted},
	})
	if err != nil {
		return err
	}
	drain(resp)
	if got := resp.Header.Get("Docker-Content-Digest"); got != "" && got != n.desc.Digest.String() {
		return fault.Failedf("the target stored %s as %s", n.desc.Digest, got).Fix("check that no proxy before it rewrites manifests")
	}
	return nil
}

// full says whether a target has no room, in the words of the registries that
// have any.
func full(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return false
	}
	if answer.StatusCode == http.StatusInsufficientStorage || answer.StatusCode == http.StatusRequestEntityTooLarge {
		return true
	}
	said := strings.ToLower(answer.Error())
	for _, words := range []string{"no space left", "quota", "configured upper limit"} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

// targetError explains what the target said to an upload.
func (u *upload) targetError(err error) error {
	if !full(err) {
		return err
	}
	return noRoom(u.host, u.to, err)
}

func noRoom(h *host, in name.Repository, err error) error {
	if status(err) == http.StatusRequestEntityTooLarge {
		return fault.Failedf("%s takes no body of this size (413)", h.reg.RegistryStr()).Fix("raise the limit of the proxy before it")
	}
	return fault.Failedf("%s has no room in %s: %w", h.reg.RegistryStr(), in.RepositoryStr(), err).
		Fix("free space or raise the project's quota, and run it again")
}
