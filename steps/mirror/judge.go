package mirror

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// judge looks at what is to be approved.
type judge struct {
	*workspace
	scan   Scan
	verify Verify
}

// look fills in what the item's upstream digest is: its size, age, findings, and
// whether the publisher's signature holds. What speaks against it is in Refused.
func (j judge) look(ctx context.Context, i *item) error {
	ref := i.wanted.from.Context().Digest(i.Upstream)
	platforms := j.list.PlatformsOf(i.wanted.entry)
	c, err := describe(ctx, j.upstream, ref, platforms, i.wanted.entry.Kind)
	if err != nil {
		return j.failed(ctx, i, err)
	}
	i.content = c
	i.Kind, i.MediaType, i.Size, i.Platforms = string(c.kind), string(c.mediaType), c.size(), c.platforms()
	if !c.created.IsZero() && c.created.Unix() > 0 { // reproducible builds say 1970
		created := c.created.UTC()
		i.Created = &created
	}
	for _, p := range c.missing {
		i.Refused = append(i.Refused, Refusal{Reason: "there is no image for " + p + ": give the entry platforms of its own", Final: true})
	}
	if err := j.signature(ctx, i, ref); err != nil {
		return err
	}
	return j.findings(ctx, i)
}

// failed keeps an upstream error with its item; the others go on.
func (j judge) failed(ctx context.Context, i *item, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if missing(err) {
		err = fault.Failedf("%s went away while it was being looked at", i.Source).Fix("run the plan again")
	}
	i.err = explain("read "+i.Source, i.wanted.from.Context().Registry, err)
	i.Error = i.err.Error()
	i.Refused = append(i.Refused, Refusal{Reason: "it could not be read", Final: true})
	return nil
}

func (j judge) signature(ctx context.Context, i *item, ref name.Digest) error {
	by, signs := j.publisher(i.wanted.entry)
	if !signs {
		return nil
	}
	if j.verify == nil {
		return fault.Inputf("%s is signed by its publisher and nothing verifies signatures", i.Ref)
	}
	identity, err := j.verify(ctx, j.reach, ref.String(), by)
	switch {
	case err == nil:
		i.Signature, i.SignedBy = string(imagelist.Verified), identity
	case ctx.Err() != nil:
		return ctx.Err()
	case fault.KindOf(err) == fault.Gate:
		i.Signature = string(imagelist.Unverified)
		i.Refused = append(i.Refused, Refusal{Reason: oneLine(err)})
	case fault.KindOf(err) == fault.Input:
		return err // the key file, the trusted root: they are the caller's
	default:
		return j.failed(ctx, i, err)
	}
	return nil
}

func (j judge) findings(ctx context.Context, i *item) error {
	if j.scan == nil || i.content.kind != imagelist.Image {
		return nil
	}
	limits, limited := j.list.LimitsOf(i.wanted.entry)
	if !limited {
		limits = nil
	}
	found, err := j.scanAll(ctx, i.content, i.Ref, limits)
	if err != nil {
		if fault.KindOf(err) == fault.Input {
			return err // the database, the ignore file
		}
		return j.failed(ctx, i, err)
	}
	i.Scan = &Findings{Counts: found.Counts}
	for _, e := range found.Exceeded {
		i.Refused = append(i.Refused, Refusal{Reason: e, Gate: true})
	}
	if i.Approved == "" {
		return nil
	}
	before, err := j.scanApproved(ctx, i)
	if err != nil || before == nil {
		return err
	}
	i.Scan.New, i.Scan.Fixed = without(found.Findings, before.Findings), without(before.Findings, found.Findings)
	i.Scan.Compared = true
	return nil
}

// scanApproved scans what is approved now, with the same database. Where it is no
// longer to be had, there is nothing to compare with.
func (j judge) scanApproved(ctx context.Context, i *item) (*Scanned, error) {
	platforms := make([]string, len(i.approved.Platform))
	for n, p := range i.approved.Platform {
		platforms[n] = string(p)
	}
	source, err := name.NewRepository(string(i.approved.Source), name.StrictValidation)
	if err != nil {
		return nil, fault.Inputf("%s: source %q: %w", i.Ref, i.approved.Source, err)
	}
	c, err := describe(ctx, j.upstream, source.Digest(string(i.approved.Digest)), platforms, i.approved.Kind)
	if err == nil {
		var found Scanned
		if found, err = j.scanAll(ctx, c, i.Ref, nil); err == nil {
			return &found, nil
		}
	}
	if ctx.Err() != nil || fault.KindOf(err) == fault.Input {
		return nil, err
	}
	j.log.Warn("what is approved cannot be scanned, so there is no difference to show", "image", i.Ref, "error", err)
	return nil, nil
}

// scanAll scans the image of every platform. The counts are those of the worst
// one, for each severity by itself; a limit that several pass is named once. One
// scan runs at a time.
func (j judge) scanAll(ctx context.Context, c *content, ref string, limits map[string]int) (Scanned, error) {
	j.scanning.Lock()
	defer j.scanning.Unlock()
	all := Scanned{Counts: map[string]int{}}
	for _, p := range c.images {
		if ctx.Err() != nil {
			return Scanned{}, ctx.Err()
		}
		j.log.Info("scanning", "image", ref, "platform", p.platform(), "size", words(c.size()))
		found, err := j.scan(ctx, p.image, c.ref.String(), limits)
		if err != nil {
			return Scanned{}, fmt.Errorf("scan %s for %s: %w", c.ref, p.platform(), err)
		}
		for severity, n := range found.Counts {
			all.Counts[severity] = max(all.Counts[severity], n)
		}
		all.Findings = append(all.Findings, found.Findings...)
		for _, e := range found.Exceeded {
			if len(c.images) > 1 {
				e = p.platform() + ": " + e
			}
			all.Exceeded = append(all.Exceeded, e)
		}
	}
	slices.Sort(all.Findings)
	all.Findings = slices.Compact(all.Findings)
	return all, nil
}

// without gives what is in a and not in b, both sorted.
func without(a, b []string) []string {
	var only []string
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); !found {
			only = append(only, s)
		}
	}
	return only
}

// oneLine keeps an error in a table's row.
func oneLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}
