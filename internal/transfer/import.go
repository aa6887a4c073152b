package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
	"github.com/pave-platform/pave/internal/registry"
)

const exportAgain = "export it again"

// Import copies an archive of Export to a registry. It verifies every digest and
// that nothing is missing before it sends anything: an archive that is
// truncated, altered, or left out what this registry does not have moves no tag.
func Import(ctx context.Context, o ImportOptions) (ArchiveResult, error) {
	info, err := os.Stat(o.Path)
	if err != nil {
		return ArchiveResult{}, fault.Inputf("archive: %w", err)
	}
	layout, err := ociarchive.OpenLayout(ctx, o.Path)
	if err != nil {
		return ArchiveResult{}, err
	}
	defer layout.Close()
	result := ArchiveResult{Path: o.Path, Size: info.Size()}
	if result.Digest, _, err = v1.SHA256(bytes.NewReader(layout.Index())); err != nil {
		return result, err
	}
	if o.Digest != (v1.Hash{}) && o.Digest != result.Digest {
		return result, fault.Inputf("%s: the archive is %s, not %s", o.Path, result.Digest, o.Digest).Fix("bring the archive that was exported")
	}
	a := &archive{path: o.Path, under: under(o.Under), layout: layout, tags: map[string]v1.Hash{}, refs: map[string][]v1.Descriptor{}, leftOut: &Inventory{}}
	entries, err := a.entries(o.Registry)
	if err != nil {
		return result, err
	}
	if err := check(entries); err != nil {
		return result, err
	}
	result.LeftOut = len(a.leftOut.Blobs)
	r := newRun(a, entries, Options{
		Target: o.Target, TargetJobs: o.TargetJobs, DryRun: o.DryRun, Progress: o.Progress, Done: o.Done,
		SourceJobs: orDefault(o.TargetJobs, 8), Referrers: a.mode(),
	})
	defer r.to.close()
	a.target, r.fromArchive, r.wanted = r.target, true, a.wanted
	if len(entries) == 0 {
		return result, nil
	}
	if err := a.whole(ctx, entries, r); err != nil {
		return result, err
	}
	result.Result, err = r.all(ctx, entries)
	if err == nil && !o.DryRun {
		result.Inventory = a.inventory
	}
	return result, err
}

// under is what goes before a repository.
func under(project string) string {
	if project == "" {
		return ""
	}
	return project + "/"
}

// entries reads index.json.
func (a *archive) entries(at name.Registry) ([]Entry, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(a.layout.Index(), &index); err != nil {
		return nil, fault.Inputf("%s: index.json: %w", a.path, err).Fix(exportAgain)
	}
	var entries []Entry
	for _, d := range index.Manifests {
		if d.MediaType == leftOutType {
			if err := a.readLeftOut(d); err != nil {
				return nil, err
			}
			continue
		}
		e, carried, err := a.entry(at, d)
		if err != nil {
			return nil, err
		}
		if carried {
			continue
		}
		same := slices.IndexFunc(entries, func(o Entry) bool { return o.Source == e.Source })
		if same >= 0 {
			entries[same].Tags = append(entries[same].Tags, e.Tags...)
		} else {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// entry reads a descriptor of index.json: of an entry, or of what is carried
// along with one, which the archive gives as a registry would.
func (a *archive) entry(at name.Registry, d v1.Descriptor) (e Entry, carried bool, err error) {
	repository, tag, tagged := strings.Cut(d.Annotations[refName], ":")
	if carriedIn := d.Annotations[inRepository]; carriedIn != "" {
		if tagged {
			a.tags[a.under+repository+":"+tag] = d.Digest
			return e, true, nil
		}
		own := d
		own.Annotations = withoutOurs(d.Annotations)
		a.refs[a.under+carriedIn] = append(a.refs[a.under+carriedIn], own)
		return e, true, nil
	}
	if !tagged {
		return e, false, fault.Inputf("%s: %s has no name in index.json", a.path, d.Digest).Fix("import what pave exported")
	}
	to, err := name.NewTag(at.RegistryStr()+"/"+a.under+repository+":"+tag, name.StrictValidation)
	if err != nil {
		return e, false, fault.Inputf("%s: %w", a.path, err).Fix(exportAgain)
	}
	return Entry{Source: to.Digest(d.Digest.String()), Target: to.Repository, Tags: []string{tag}}, false, nil
}

func withoutOurs(all map[string]string) map[string]string {
	var own map[string]string
	for k, v := range all {
		if k != inRepository && k != refName && k != fromSource {
			if own == nil {
				own = map[string]string{}
			}
			own[k] = v
		}
	}
	return own
}

func (a *archive) readLeftOut(d v1.Descriptor) error {
	raw, err := a.read(d.Digest)
	if err != nil {
		return err
	}
	a.leftOut, err = parseInventory(a.path, raw)
	return err
}

// whole checks that everything is in the archive or, where it was left out, at
// the target.
func (a *archive) whole(ctx context.Context, entries []Entry, r *run) error {
	a.inventory = &Inventory{Registry: entries[0].Target.RegistryStr(), Blobs: map[string]InventoryBlob{}}
	away := map[place]v1.Descriptor{}
	for _, e := range entries {
		if err := a.wholeBelow(ctx, e.Source.DigestStr(), e.Target, away); err != nil {
			return err
		}
	}
	for repository, list := range a.refs {
		for _, d := range list {
			if err := a.wholeBelow(ctx, d.Digest.String(), entries[0].Target.Registry.Repo(repository), away); err != nil {
				return err
			}
		}
	}
	for at, d := range a.tags {
		repository, _, _ := strings.Cut(at, ":")
		if err := a.wholeBelow(ctx, d.String(), entries[0].Target.Registry.Repo(repository), away); err != nil {
			return err
		}
	}
	return a.findAway(ctx, away, r)
}

func (a *archive) wholeBelow(ctx context.Context, digest string, to name.Repository, away map[place]v1.Descriptor) error {
	n, err := a.manifest(ctx, to, digest)
	if err == nil {
		err = n.read(ctx, a, to)
	}
	if err != nil {
		if errors.Is(err, errNone) {
			return fault.Inputf("%s: manifest %s is missing", a.path, digest).Fix(exportAgain)
		}
		return err
	}
	return n.walk(func(m *node) error {
		for _, d := range m.blobs(a.wanted) {
			size, here := a.layout.Size(d.Digest)
			switch {
			case here && size != d.Size:
				return fault.Inputf("%s: blob %s has %d bytes, its manifest says %d", a.path, d.Digest, size, d.Size).Fix(exportAgain)
			case !here && !a.leftOut.has(d):
				return fault.Inputf("%s: blob %s is missing", a.path, d.Digest).Fix(exportAgain)
			case !here:
				away[place{d.Digest, to.RepositoryStr()}] = d
			}
			a.inventory.Blobs[d.Digest.String()] = InventoryBlob{d.Size, to.RepositoryStr()}
		}
		return nil
	})
}

// findAway looks for what was left out: where it belongs, or where the inventory
// says.
func (a *archive) findAway(ctx context.Context, away map[place]v1.Descriptor, r *run) error {
	type absent struct {
		place
		desc v1.Descriptor
	}
	var all []absent
	for p, d := range away {
		all = append(all, absent{p, d})
	}
	return each(ctx, all, func(ctx context.Context, _ int, b absent) error {
		leave, err := r.target.enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
		for _, repository := range []string{b.in, a.leftOut.Blobs[b.digest.String()].Repository} {
			there, err := r.target.hasBlob(ctx, r.target.reg.Repo(repository), b.desc)
			if err != nil {
				return registry.Explain(a.path, r.target.reg, err)
			}
			if there {
				r.mu.Lock()
				r.knownAt[b.digest] = append(r.knownAt[b.digest], repository)
				r.mu.Unlock()
				return nil
			}
		}
		return fault.Inputf("%s: blob %s was left out, and %s does not have it", a.path, b.digest, r.target.reg.RegistryStr()).
			Fix("take an inventory of this registry and export with it")
	})
}

// mode carries along what the archive has.
func (a *archive) mode() Referrers {
	if len(a.refs) == 0 && len(a.tags) == 0 {
		return ReferrersNone
	}
	return ReferrersAlways
}

func (a *archive) read(h v1.Hash) ([]byte, error) {
	size, ok := a.layout.Size(h)
	if !ok {
		return nil, errNone
	}
	if size > maxManifest {
		return nil, fault.Inputf("%s: manifest %s has %d bytes", a.path, h, size).Fix(exportAgain)
	}
	f, err := a.layout.Open(h)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw := make([]byte, size)
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, fmt.Errorf("%s: %w", a.path, err)
	}
	return raw, nil
}
