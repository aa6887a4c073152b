package transfer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
)

// copying is an entry on its way.
type copying struct {
	*run
	entry  Entry
	result EntryResult
	once   sync.Once
}

// looked tells the progress that it is known what the entry needs.
func (c *copying) looked() { c.once.Do(func() { c.progress.known.Add(1) }) }

// copy is the order that the package promises: blobs, manifests from the bottom
// up, what refers to them, tags.
func (c *copying) copy(ctx context.Context) error {
	tags, err := c.tags(ctx)
	if err != nil {
		return err
	}
	root, err := c.want(ctx, tags)
	if err != nil {
		return err
	}
	missing := c.missing(tags)
	c.result.Status = Present
	if len(missing) == 0 && c.referrersMode != ReferrersAlways {
		return nil
	}
	if root == nil {
		if root, err = c.read(ctx); err != nil {
			return err
		}
	}
	if len(missing) == len(c.entry.Tags) { // no tag says that all is there
		if root, err = c.below(ctx, root); err != nil {
			return err
		}
	}
	carried, err := c.carry(ctx, root)
	if err != nil {
		return err
	}
	if carried > 0 || len(missing) > 0 {
		c.result.Status = Copied
		if c.dryRun {
			c.result.Status = WouldCopy
		}
	}
	if c.dryRun {
		return nil
	}
	return c.tag(ctx, root, missing)
}

// tags asks the target what the tags stand for.
func (c *copying) tags(ctx context.Context) (map[string]v1.Hash, error) {
	found := make([]v1.Hash, len(c.entry.Tags))
	err := each(ctx, c.entry.Tags, func(ctx context.Context, i int, tag string) error {
		leave, err := c.target.enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
		found[i], err = c.target.head(ctx, c.entry.Target, tag)
		return err
	})
	tags := map[string]v1.Hash{}
	for i, d := range found {
		if d != (v1.Hash{}) {
			tags[c.entry.Tags[i]] = d
		}
	}
	if len(tags) > 0 {
		c.mu.Lock()
		if !slices.ContainsFunc(c.settled, func(in name.Repository) bool { return in == c.entry.Target }) {
			c.settled = append(c.settled, c.entry.Target)
		}
		c.mu.Unlock()
	}
	return tags, err
}

// want finds out which digest the tags shall stand for. It reads the source only
// where that depends on it.
func (c *copying) want(ctx context.Context, tags map[string]v1.Hash) (*node, error) {
	approved, err := v1.NewHash(c.entry.Source.DigestStr())
	if err != nil {
		return nil, err
	}
	c.result.Digest = approved
	if len(c.entry.Platforms) == 0 {
		return nil, nil
	}
	all := func(d v1.Hash) bool {
		return d != (v1.Hash{}) && !slices.ContainsFunc(c.entry.Tags, func(t string) bool { return tags[t] != d })
	}
	if c.sparse && all(approved) {
		return nil, nil
	}
	if all(c.entry.Known) {
		c.result.Digest = c.entry.Known
		return nil, nil
	}
	root, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	c.result.Digest = root.desc.Digest
	return root, nil
}

// missing are the tags that do not stand for the digest.
func (c *copying) missing(tags map[string]v1.Hash) []string {
	var missing []string
	for _, t := range c.entry.Tags {
		switch d, ok := tags[t]; {
		case !ok:
			missing = append(missing, t)
		case d != c.result.Digest:
			missing = append(missing, t)
			if c.result.Moved == nil {
				c.result.Moved = map[string]v1.Hash{}
			}
			c.result.Moved[t] = d
		}
	}
	return missing
}

// read reads the manifest from its source, with the chosen platforms only.
func (c *copying) read(ctx context.Context) (*node, error) {
	whole, err := c.source.manifest(ctx, c.entry.Source.Repository, c.entry.Source.DigestStr())
	if err != nil {
		return nil, err
	}
	return whole.choose(c.entry.Platforms)
}

// below brings everything under the root, and not the root itself.
func (c *copying) below(ctx context.Context, root *node) (*node, error) {
	from, to := c.entry.Source.Repository, c.entry.Target
	if err := root.read(ctx, c.source, from); err != nil {
		return nil, err
	}
	if err := c.rightPlatform(ctx, root); err != nil {
		return nil, err
	}
	if err := c.bring(ctx, root, from, to); err != nil {
		return nil, err
	}
	if !c.sparse || c.dryRun || root.desc.Digest.String() == c.entry.Source.DigestStr() {
		return root, nil
	}
	return c.trySparse(ctx, root)
}

// trySparse pushes the approved index although images of it are missing, or
// gives back the one of the chosen ones.
func (c *copying) trySparse(ctx context.Context, chosen *node) (*node, error) {
	whole, err := c.source.manifest(ctx, c.entry.Source.Repository, c.entry.Source.DigestStr())
	if err != nil {
		return nil, err
	}
	err = c.target.putManifest(ctx, c.entry.Target, whole.desc.Digest.String(), whole)
	switch s := status(err); {
	case err == nil:
		whole.children = chosen.children
		c.result.Digest = whole.desc.Digest
		return whole, nil
	case s == http.StatusBadRequest, s == http.StatusNotFound:
		return chosen, nil
	}
	return nil, err
}

// bring copies all blobs under n, and the manifests under n from the bottom up.
func (c *copying) bring(ctx context.Context, n *node, from, to name.Repository) error {
	var needs, own []*need // own were asked for by this entry first
	seen := map[v1.Hash]bool{}
	err := n.walk(func(m *node) error {
		for _, d := range m.blobs(c.wanted) {
			if d.Digest.Algorithm == "" {
				return fault.Failedf("manifest %s names a blob without a digest", m.desc.Digest)
			}
			if !seen[d.Digest] {
				seen[d.Digest] = true
				need, first := c.need(ctx, d, from, to)
				needs = append(needs, need)
				if first {
					own = append(own, need)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, b := range needs {
		<-b.seen
	}
	c.looked()
	for _, b := range needs {
		if waited := b.wait(ctx); err == nil {
			err = waited
		}
	}
	if err != nil {
		return err
	}
	for _, b := range own {
		if b.how == sent {
			atomic.AddInt64(&c.result.Bytes, b.size)
		}
	}
	if c.dryRun {
		return nil
	}
	return n.walk(func(m *node) error {
		if m == n {
			return nil
		}
		return c.push(ctx, m, to, m.desc.Digest.String())
	})
}

// push sends a manifest.
func (c *copying) push(ctx context.Context, n *node, to name.Repository, reference string) error {
	leave, err := c.target.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	err = c.target.putManifest(ctx, to, reference, n)
	if err != nil {
		if full(err) {
			return noRoom(c.target, to, err)
		}
		return fmt.Errorf("manifest %s: %w", n.desc.Digest, foreignRefused(n, err))
	}
	c.mu.Lock()
	c.run.result.Manifests++
	c.mu.Unlock()
	return nil
}

func (c *copying) tag(ctx context.Context, root *node, tags []string) error {
	return each(ctx, tags, func(ctx context.Context, _ int, tag string) error {
		return c.push(ctx, root, c.entry.Target, tag)
	})
}

// foreignRefused explains the refusal of URLs in a manifest, which Distribution
// allows none of where its configuration does not say otherwise.
func foreignRefused(n *node, err error) error {
	if s := status(err); s != http.StatusBadRequest && !strings.Contains(err.Error(), "invalid URL") { // which Distribution answers with a 500
		return err
	}
	for _, l := range n.doc.Layers {
		if len(l.URLs) > 0 {
			return fault.Failedf("the target takes no layers that lie elsewhere: %w", err).
				Fix("allow their URLs at the registry (validation.manifests.urls.allow)")
		}
	}
	return err
}
