package mirror

import (
	"context"
	"errors"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// PlanOptions say what to compare.
type PlanOptions struct {
	Common
	Scan   Scan   // nil: nothing is scanned
	Verify Verify // needed where the list names publishers' keys or identities
}

// Plan compares what the list asks for with the lock and with the target. It
// writes nothing. What upstream could not be asked is in the Result, and makes an
// error beside it.
func Plan(ctx context.Context, o PlanOptions) (PlanResult, error) {
	w, err := o.open(ctx)
	if err != nil {
		return PlanResult{}, err
	}
	defer w.close()
	items, err := w.compare(ctx)
	if err != nil {
		return PlanResult{}, err
	}
	j := judge{w, o.Scan, o.Verify}
	err = atATime(ctx, items, func(ctx context.Context, _ int, i *item) error {
		if !i.Change.needsApproval() {
			return nil
		}
		return j.look(ctx, i)
	})
	if err != nil {
		return PlanResult{}, err
	}
	r := PlanResult{List: o.List, Lock: w.lockPath, Target: w.target.String(), Items: []Item{}}
	for _, i := range items {
		r.Items = append(r.Items, i.Item)
	}
	return r, r.failures()
}

// item is an Item on its way.
type item struct {
	Item
	wanted   wanted
	approved imagelist.Approved // zero where nothing is
	content  *content           // what would be approved
}

// compare gives what the list asks for and what the lock has besides, sorted by
// name and tag, as far as HEAD requests tell.
func (w *workspace) compare(ctx context.Context) ([]*item, error) {
	all, err := w.wanted(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, want := range all {
		seen[want.ref()] = true
	}
	var items []*item
	for _, a := range w.lock.Approved {
		if seen[a.Ref()] {
			continue
		}
		e, listed := w.isListed(a)
		if !listed {
			items = append(items, &item{approved: a, Item: Item{Ref: a.Ref(), Source: string(a.Source), Change: Left}})
			continue
		}
		// A version that newer ones have not replaced yet, or that cannot be listed.
		source, err := name.NewRepository(string(e.Source), name.StrictValidation)
		if err != nil {
			return nil, fault.Inputf("%s: source %q: %w", a.Ref(), e.Source, err)
		}
		all = append(all, wanted{entry: e, tag: string(a.Tag), from: source.Tag(string(a.Tag))})
	}
	for _, want := range all {
		i := &item{wanted: want, Item: Item{Ref: want.ref(), Source: string(want.entry.Source), Note: string(want.entry.Note)}}
		if want.err != nil {
			i.fail(want.err)
		} else {
			i.Source = want.from.String()
			i.approved, _ = w.lock.Find(string(want.entry.Name), want.tag)
		}
		items = append(items, i)
	}
	slices.SortStableFunc(items, func(a, b *item) int { return compareRefs(a.Ref, b.Ref) })
	return items, atATime(ctx, items, func(ctx context.Context, _ int, i *item) error { return w.ask(ctx, i) })
}

// ask sends the item's HEAD requests: one to its source, one to the target.
func (w *workspace) ask(ctx context.Context, i *item) error {
	if i.approved.Digest != "" {
		i.Approved = string(i.approved.Digest)
	}
	if i.wanted.from != nil {
		if err := w.askSource(ctx, i); err != nil {
			return err
		}
	}
	name, tag := i.nameAndTag()
	if tag == "" {
		return nil
	}
	at := w.at(name).Tag(tag)
	there, err := head(ctx, w.downstream, at)
	if err != nil {
		// Nothing about any item is known without the target.
		return registry.Explain("look up "+at.String(), at.Registry, err)
	}
	i.AtTarget = Absent
	if there != nil {
		i.TargetDigest = there.Digest.String()
		i.AtTarget = Other
		if i.Approved != "" && i.TargetDigest == i.approved.AtTarget() {
			i.AtTarget = Current
		}
	}
	return nil
}

func (w *workspace) askSource(ctx context.Context, i *item) error {
	found, err := head(ctx, w.upstream, i.wanted.from)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		i.fail(explain("look up "+i.wanted.from.String(), i.wanted.from.Context().Registry, err))
		return nil
	case found == nil:
		i.Change = Gone
		return nil
	}
	i.Upstream = found.Digest.String()
	if i.Approved == "" {
		i.Change = New
		return nil
	}
	switch i.Was = w.differs(i.wanted.entry, i.approved); {
	case i.Was != "":
		i.Change = Changed
	case i.Upstream != i.Approved:
		i.Change = Moved
	default:
		i.Change = None
	}
	return nil
}

func (i *item) nameAndTag() (name, tag string) {
	if i.wanted.from != nil {
		return string(i.wanted.entry.Name), i.wanted.tag
	}
	return string(i.approved.Name), string(i.approved.Tag)
}

func (i *item) fail(err error) {
	i.Change, i.Error, i.err = Failed, err.Error(), err
}

// failures joins what could not be found out.
func (r PlanResult) failures() error {
	var errs []error
	for _, i := range r.Items {
		if i.err != nil {
			errs = append(errs, i.err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fault.Failedf("%d of %d could not be looked up:\n%w", len(errs), len(r.Items), errors.Join(errs...))
}
