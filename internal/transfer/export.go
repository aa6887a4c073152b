package transfer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Export writes entries to one OCI image layout in a tar file, the same bytes
// for the same entries. Every digest is verified while it is written.
// Of an entry only the repository and the tags of its target count, and its
// registry is not asked. An error of any entry leaves no file.
func Export(ctx context.Context, entries []Entry, o ExportOptions) (ArchiveResult, error) {
	if err := check(entries); err != nil {
		return ArchiveResult{}, err
	}
	start := time.Now()
	from := newSide(o.Source, "pull")
	defer from.close()
	expectSources(from, entries)
	x := &export{source: registries{from}, o: o, progress: newProgress(len(entries), o.Progress), content: map[v1.Hash]part{}, leftOut: Inventory{Blobs: map[string]InventoryBlob{}}}
	stop := x.progress.start()
	result, err := x.run(ctx, entries)
	stop()
	result.Requests.Source = from.requests.Load()
	result.Seconds = time.Since(start).Seconds()
	return result, err
}

// export collects what goes into an archive and writes it.
type export struct {
	source   source
	o        ExportOptions
	progress *progress

	mu      sync.Mutex
	content map[v1.Hash]part
	leftOut Inventory
}

// part is a blob of the archive: bytes that we have, or where they are.
type part struct {
	desc v1.Descriptor
	raw  []byte
	from name.Repository
}

// exported is what an entry adds to index.json.
type exported struct {
	root    []v1.Descriptor // one for each tag
	carried []v1.Descriptor
	result  EntryResult
}

func (x *export) run(ctx context.Context, entries []Entry) (ArchiveResult, error) {
	all := make([]exported, len(entries))
	_ = each(ctx, entries, func(ctx context.Context, i int, e Entry) error {
		all[i] = x.entry(ctx, e)
		x.progress.known.Add(1)
		return nil
	})
	result := ArchiveResult{Path: x.o.Path}
	var errs []error
	for _, e := range all {
		result.Entries = append(result.Entries, e.result)
		errs = append(errs, e.result.Err)
		if e.result.Err != nil {
			result.Failed++
		}
	}
	if err := errors.Join(ctx.Err(), errors.Join(errs...)); err != nil {
		return result, err
	}
	index, err := x.index(all)
	if err != nil {
		return result, err
	}
	result.Digest, _, _ = v1.SHA256(bytes.NewReader(index)) // a buffer does not fail
	result.LeftOut = len(x.leftOut.Blobs)
	result.Size, err = x.write(ctx, index)
	if err != nil {
		return result, err
	}
	for _, p := range x.content {
		if p.raw == nil {
			result.Blobs.Sent++
		} else {
			result.Manifests++
		}
	}
	result.Bytes, result.Copied = x.progress.sent.Load(), len(entries)
	for _, e := range all {
		x.progress.finished.Add(1)
		if x.o.Done != nil {
			x.o.Done(e.result)
		}
	}
	return result, nil
}

// entry collects everything that belongs to an entry.
func (x *export) entry(ctx context.Context, e Entry) exported {
	c := &copying{
		run: &run{source: x.source, progress: x.progress}, entry: e,
		result: EntryResult{Name: e.label(), Source: e.Source.String(), Target: e.Target.RepositoryStr(), Tags: e.Tags, Status: Copied},
	}
	out, err := x.collect(ctx, c)
	out.result = c.result
	if err != nil {
		out.result.Status, out.result.Err = Failed, c.explain(err)
		out.result.Error = out.result.Err.Error()
	}
	return out
}

func (x *export) collect(ctx context.Context, c *copying) (out exported, err error) {
	root, err := c.read(ctx)
	if err != nil {
		return out, err
	}
	if err := root.read(ctx, x.source, c.entry.Source.Repository); err != nil {
		return out, err
	}
	if err := c.rightPlatform(ctx, root); err != nil {
		return out, err
	}
	c.result.Digest = root.desc.Digest
	if err := x.add(root, c); err != nil {
		return out, err
	}
	for _, tag := range c.entry.Tags {
		out.root = append(out.root, annotated(root.desc, map[string]string{
			refName: c.entry.Target.RepositoryStr() + ":" + tag, fromSource: c.entry.Source.String(),
		}))
	}
	if x.o.Referrers == ReferrersNone {
		return out, nil
	}
	out.carried, err = x.referrers(ctx, c, root)
	c.result.Referrers = len(out.carried)
	return out, err
}

// add takes n and what is below it into the archive.
func (x *export) add(n *node, c *copying) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return n.walk(func(m *node) error {
		x.content[m.desc.Digest] = part{desc: m.desc, raw: m.raw}
		for _, d := range m.blobs(x.wanted) {
			if x.o.Have.has(d) {
				x.leftOut.Blobs[d.Digest.String()] = x.o.Have.Blobs[d.Digest.String()]
				continue
			}
			if p, ok := x.content[d.Digest]; ok {
				if p.desc.Size != d.Size {
					return fmt.Errorf("blob %s has two sizes: %d and %d", d.Digest, p.desc.Size, d.Size)
				}
				continue
			}
			x.content[d.Digest] = part{desc: d, from: c.entry.Source.Repository}
			x.progress.total.Add(d.Size)
			c.result.Bytes += d.Size
		}
		return nil
	})
}

func (x *export) wanted(d v1.Descriptor) bool {
	return x.o.ForeignLayers || d.MediaType.IsDistributable()
}

// referrers takes what refers to root and to what is below.
func (x *export) referrers(ctx context.Context, c *copying, root *node) ([]v1.Descriptor, error) {
	var all []v1.Descriptor
	err := root.walk(func(m *node) error {
		if m == root && m.desc.Digest.String() != c.entry.Source.DigestStr() {
			return nil
		}
		found, err := x.referring(ctx, c, m.desc.Digest, remotest)
		all = append(all, found...)
		return err
	})
	slices.SortStableFunc(all, func(a, b v1.Descriptor) int {
		return cmp.Or(strings.Compare(a.Digest.Hex, b.Digest.Hex), strings.Compare(a.Annotations[refName], b.Annotations[refName]))
	})
	return all, err
}

func (x *export) referring(ctx context.Context, c *copying, subject v1.Hash, depth int) ([]v1.Descriptor, error) {
	if depth == 0 {
		return nil, nil
	}
	in, to := c.entry.Source.Repository, c.entry.Target.RepositoryStr()
	list, err := x.source.referrers(ctx, in, subject)
	if err != nil {
		return nil, err
	}
	var all []v1.Descriptor
	for _, d := range list {
		if _, err := x.take(ctx, c, d.Digest.String()); err != nil {
			return nil, err
		}
		all = append(all, annotated(d, map[string]string{inRepository: to}))
		further, err := x.referring(ctx, c, d.Digest, depth-1)
		if err != nil {
			return nil, err
		}
		all = append(all, further...)
	}
	for _, suffix := range legacy {
		tag := besideTag(subject) + suffix
		n, err := x.take(ctx, c, tag)
		switch {
		case errors.Is(err, errNone):
		case err != nil:
			return nil, err
		default:
			all = append(all, annotated(n.desc, map[string]string{refName: to + ":" + tag, inRepository: to}))
		}
	}
	return all, nil
}

func (x *export) take(ctx context.Context, c *copying, reference string) (*node, error) {
	n, err := x.source.manifest(ctx, c.entry.Source.Repository, reference)
	if err != nil {
		return nil, err
	}
	if err := n.read(ctx, x.source, c.entry.Source.Repository); err != nil {
		return nil, err
	}
	return n, x.add(n, c)
}

// index makes index.json.
func (x *export) index(all []exported) ([]byte, error) {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	for _, e := range all {
		index.Manifests = append(index.Manifests, e.root...)
	}
	seen := map[string]bool{}
	for _, e := range all {
		for _, d := range e.carried {
			key := d.Digest.String() + d.Annotations[inRepository] + d.Annotations[refName]
			if !seen[key] {
				seen[key] = true
				index.Manifests = append(index.Manifests, d)
			}
		}
	}
	if len(x.leftOut.Blobs) > 0 {
		raw, err := json.Marshal(x.leftOut)
		if err != nil {
			return nil, err
		}
		digest, size, err := v1.SHA256(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		d := v1.Descriptor{MediaType: leftOutType, Digest: digest, Size: size}
		x.content[digest] = part{desc: d, raw: raw}
		index.Manifests = append(index.Manifests, d)
	}
	return json.Marshal(index)
}

// annotated gives d with more annotations.
func annotated(d v1.Descriptor, more map[string]string) v1.Descriptor {
	all := map[string]string{}
	for _, m := range []map[string]string{d.Annotations, more} {
		for k, v := range m {
			all[k] = v
		}
	}
	d.Annotations = all
	return d
}

// open reads a part.
func (x *export) open(p part) opener {
	return func(ctx context.Context, from int64) (io.ReadCloser, error) {
		if p.raw != nil {
			return io.NopCloser(bytes.NewReader(p.raw[from:])), nil
		}
		return x.source.blob(ctx, p.from, p.desc, from)
	}
}
