package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
)

// source is where artefacts come from: registries, or an archive.
type source interface {
	// manifest gives a manifest by tag or digest, verified; errNone where there is none.
	manifest(ctx context.Context, in name.Repository, reference string) (*node, error)
	// blob gives the bytes from an offset on.
	blob(ctx context.Context, in name.Repository, d v1.Descriptor, from int64) (io.ReadCloser, error)
	// referrers lists what has digest as its subject.
	referrers(ctx context.Context, in name.Repository, digest v1.Hash) ([]v1.Descriptor, error)
}

// errNone says that there is no such manifest.
var errNone = errors.New("there is none")

// maxManifest is what registries commonly accept, twice.
const maxManifest = 8 << 20

// registries is the source of Copy and Export.
type registries struct {
	*side
}

func (s registries) manifest(ctx context.Context, in name.Repository, reference string) (*node, error) {
	h := s.host(in.Registry)
	leave, err := h.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return h.manifest(ctx, in, reference)
}

// manifest gets and verifies a manifest.
func (h *host) manifest(ctx context.Context, in name.Repository, reference string) (*node, error) {
	for attempt := 0; ; attempt++ {
		n, err := h.manifestOnce(ctx, in, reference)
		if err == nil || !cutOrAltered(err) || attempt+1 >= corrupted {
			return n, err
		}
		if err := pause(ctx, delay(attempt)); err != nil {
			return nil, err
		}
	}
}

func cutOrAltered(err error) bool {
	return errors.Is(err, errAltered) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

func (h *host) manifestOnce(ctx context.Context, in name.Repository, reference string) (*node, error) {
	resp, err := h.do(ctx, call{
		method: http.MethodGet, path: in.RepositoryStr() + "/manifests/" + reference,
		header:       http.Header{"Accept": accepted},
		repositories: []string{in.RepositoryStr()}, want: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil {
		return nil, err
	}
	defer drain(resp)
	if resp.StatusCode == http.StatusNotFound {
		return nil, errNone
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxManifest+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxManifest {
		return nil, fault.Failedf("the manifest is larger than %d MiB", maxManifest>>20)
	}
	got, _, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	for _, said := range []string{reference, resp.Header.Get("Docker-Content-Digest")} {
		if want, err := v1.NewHash(said); err == nil && want != got {
			return nil, fmt.Errorf("manifest %s: %w: it is %s", want, errAltered, got)
		}
	}
	return parse(raw, types.MediaType(resp.Header.Get("Content-Type")))
}

func (s registries) blob(ctx context.Context, in name.Repository, d v1.Descriptor, from int64) (io.ReadCloser, error) {
	return s.host(in.Registry).blob(ctx, in, d, from)
}

// blob gets a blob from an offset on.
func (h *host) blob(ctx context.Context, in name.Repository, d v1.Descriptor, from int64) (io.ReadCloser, error) {
	header := http.Header{}
	want := []int{http.StatusOK}
	if from > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, d.Size-1))
		want = append(want, http.StatusPartialContent)
	}
	resp, err := h.do(ctx, call{
		method: http.MethodGet, path: in.RepositoryStr() + "/blobs/" + d.Digest.String(), header: header, large: true,
		repositories: []string{in.RepositoryStr()}, want: want,
	})
	if err != nil {
		return nil, err
	}
	left := d.Size
	if resp.StatusCode == http.StatusPartialContent {
		left -= from
	}
	if resp.ContentLength > left {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%w: it has %d bytes, not %d", errAltered, resp.ContentLength+d.Size-left, d.Size)
	}
	if resp.StatusCode == http.StatusPartialContent || from == 0 {
		return resp.Body, nil
	}
	// A registry without ranges: what was read before is read again.
	if _, err := io.CopyN(io.Discard, resp.Body, from); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp.Body, nil
}
