package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// legacy are Cosign's tags beside an image.
var legacy = []string{".sig", ".att", ".sbom"}

// remotest is how long a chain of referrers may be: a signature of an
// attestation of an SBOM.
const remotest = 4

// besideTag is the tag that stands in for the referrers API, and the beginning
// of Cosign's tags.
func besideTag(d v1.Hash) string { return d.Algorithm + "-" + d.Hex }

// carry brings what refers to n and to what is below, and says how many
// manifests that were.
func (c *copying) carry(ctx context.Context, n *node) (int, error) {
	if c.referrersMode == ReferrersNone {
		return 0, nil
	}
	if n.children == nil {
		if err := n.read(ctx, c.source, c.entry.Source.Repository); err != nil {
			return 0, err
		}
	}
	var subjects []*node
	_ = n.walk(func(m *node) error {
		// An index that was made by choosing has no referrers of its own.
		if m != n || m.desc.Digest.String() == c.entry.Source.DigestStr() {
			subjects = append(subjects, m)
		}
		return nil
	})
	counts := make([]int, len(subjects))
	err := each(ctx, subjects, func(ctx context.Context, i int, m *node) error {
		direct, err := c.carryReferrers(ctx, m.desc.Digest, remotest)
		if err != nil {
			return fmt.Errorf("referrers of %s: %w", m.desc.Digest, err)
		}
		beside, err := c.carryLegacy(ctx, m.desc.Digest)
		counts[i] = direct + beside
		return err
	})
	for _, n := range counts {
		c.result.Referrers += n
	}
	return c.result.Referrers, err
}

// carryReferrers brings what has subject as its subject, and what refers to that.
func (c *copying) carryReferrers(ctx context.Context, subject v1.Hash, depth int) (int, error) {
	if depth == 0 {
		return 0, nil
	}
	list, err := c.source.referrers(ctx, c.entry.Source.Repository, subject)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	counts := make([]int, len(list))
	carried := make([]v1.Descriptor, len(list))
	err = each(ctx, list, func(ctx context.Context, i int, d v1.Descriptor) error {
		n, err := c.carryOne(ctx, d.Digest.String())
		if err != nil {
			return err
		}
		carried[i] = d
		further, err := c.carryReferrers(ctx, d.Digest, depth-1)
		counts[i] = n + further
		return err
	})
	total := 0
	for _, n := range counts {
		total += n
	}
	if err != nil || c.dryRun {
		return total, err
	}
	return total, c.keepList(ctx, subject, carried)
}

// carryLegacy brings Cosign's tags beside a digest.
func (c *copying) carryLegacy(ctx context.Context, subject v1.Hash) (int, error) {
	counts := make([]int, len(legacy))
	err := each(ctx, legacy, func(ctx context.Context, i int, suffix string) error {
		tag := besideTag(subject) + suffix
		n, err := c.carryOne(ctx, tag)
		if errors.Is(err, errNone) {
			return nil
		}
		counts[i] = n
		return err
	})
	return counts[0] + counts[1] + counts[2], err
}

// carryOne brings an artefact to the same tag or digest; 0 if it is there.
func (c *copying) carryOne(ctx context.Context, reference string) (int, error) {
	n, err := c.source.manifest(ctx, c.entry.Source.Repository, reference)
	if err != nil {
		return 0, err
	}
	leave, err := c.target.enter(ctx)
	if err != nil {
		return 0, err
	}
	have, err := c.target.head(ctx, c.entry.Target, reference)
	leave()
	if err != nil || have == n.desc.Digest {
		return 0, err
	}
	if err := n.read(ctx, c.source, c.entry.Source.Repository); err != nil {
		return 0, err
	}
	if err := c.bring(ctx, n, c.entry.Source.Repository, c.entry.Target); err != nil || c.dryRun {
		return 1, err
	}
	return 1, c.push(ctx, n, c.entry.Target, reference)
}

// keepList adds to the tag that lists referrers at a target without the API.
func (c *copying) keepList(ctx context.Context, subject v1.Hash, carried []v1.Descriptor) error {
	has, err := c.target.listsReferrers(ctx, c.entry.Target, subject)
	if has || err != nil {
		return err
	}
	c.listing.Lock() // entries may share a subject
	defer c.listing.Unlock()
	tag := besideTag(subject)
	list := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	before, err := c.target.manifest(ctx, c.entry.Target, tag)
	switch {
	case errors.Is(err, errNone):
	case err != nil:
		return err
	default:
		list.Manifests = before.doc.Manifests
	}
	length := len(list.Manifests)
	for _, d := range carried {
		if !slices.ContainsFunc(list.Manifests, func(o v1.Descriptor) bool { return o.Digest == d.Digest }) {
			list.Manifests = append(list.Manifests, d)
		}
	}
	if len(list.Manifests) == length {
		return nil
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	n, err := parse(raw, types.OCIImageIndex)
	if err != nil {
		return err
	}
	return c.push(ctx, n, c.entry.Target, tag)
}

// listsReferrers says whether a registry has the referrers API, which it is
// asked once.
func (h *host) listsReferrers(ctx context.Context, in name.Repository, d v1.Hash) (bool, error) {
	h.asking.Lock()
	defer h.asking.Unlock()
	if h.lists != nil {
		return *h.lists, nil
	}
	_, has, err := h.listReferrers(ctx, in, d)
	if err == nil {
		h.lists = &has
	}
	return has, err
}

// listReferrers asks the referrers API; has is false where there is none.
func (h *host) listReferrers(ctx context.Context, in name.Repository, d v1.Hash) (list []v1.Descriptor, has bool, err error) {
	c := call{
		method: http.MethodGet, path: in.RepositoryStr() + "/referrers/" + d.String(), header: http.Header{"Accept": {string(types.OCIImageIndex)}},
		repositories: []string{in.RepositoryStr()},
		want:         []int{http.StatusOK, http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented},
	}
	for {
		resp, err := h.do(ctx, c)
		if err != nil {
			return nil, false, err
		}
		page, ok, err := referrersPage(resp)
		drain(resp)
		if err != nil || !ok {
			return list, false, err
		}
		list = append(list, page...)
		next, more := nextPage(resp)
		if !more {
			return list, true, nil
		}
		if c.url, err = resp.Request.URL.Parse(next); err != nil {
			return nil, false, err
		}
	}
}

func referrersPage(resp *http.Response) (list []v1.Descriptor, ok bool, err error) {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if resp.StatusCode != http.StatusOK || kind != string(types.OCIImageIndex) {
		return nil, false, nil
	}
	var index v1.IndexManifest
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxManifest))
	if err == nil {
		err = json.Unmarshal(raw, &index)
	}
	return index.Manifests, err == nil, err
}

// nextPage reads a Link header (RFC 8288) with rel="next".
func nextPage(resp *http.Response) (string, bool) {
	link, params, _ := strings.Cut(resp.Header.Get("Link"), ">")
	return strings.TrimPrefix(strings.TrimSpace(link), "<"), strings.Contains(params, "next")
}

// referrers asks the API, or reads the tag that stands in for it.
func (s registries) referrers(ctx context.Context, in name.Repository, d v1.Hash) ([]v1.Descriptor, error) {
	h := s.host(in.Registry)
	leave, err := h.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if !h.noReferrers.Load() {
		list, has, err := h.listReferrers(ctx, in, d)
		if has || err != nil {
			return list, err
		}
		h.noReferrers.Store(true)
	}
	n, err := h.manifest(ctx, in, besideTag(d))
	if errors.Is(err, errNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return n.doc.Manifests, nil
}
