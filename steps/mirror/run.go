package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/harbor"
	"github.com/pave-platform/pave/internal/transfer"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// RunOptions say what to do besides copying what is missing.
type RunOptions struct {
	Common
	Scan     Scan            // nil: nothing is scanned
	Sign     Sign            // nil: nothing is signed
	SignAll  bool            // also look at the signatures of what is there already, as after a change of keys
	Prune    bool            // remove tags that left the list
	DryRun   bool            // read and compare, write nothing
	Harbor   *harbor.Options // nil: the target is no Harbor, or its API is not to be used
	Progress func(transfer.Progress)

	// Begin is called before the first entry that the target does not have is looked
	// at; its error ends the run. nil: nothing is called.
	Begin func() error
}

// Run copies what the lock approves and the target does not have. For each tag in
// turn: the gate, the content by digest, the platform's signature, the tag. What
// fails or exceeds the limits does not keep the rest from being mirrored; it is in
// the Result, and makes an error beside it: a fault.Gate where the gate alone said
// no.
func Run(ctx context.Context, o RunOptions) (RunResult, error) {
	w, err := o.open(ctx)
	if err != nil {
		return RunResult{}, err
	}
	defer w.close()
	r := &running{workspace: w, o: o, result: RunResult{Target: w.target.String(), DryRun: o.DryRun, Items: []Outcome{}}}
	if r.result.Project, err = w.project(ctx, o.Harbor, o.DryRun); err != nil {
		return RunResult{}, err
	}
	if err := r.sort(); err != nil {
		return RunResult{}, err
	}
	if err := r.mirror(ctx); err != nil {
		return RunResult{}, err
	}
	if err := r.prune(ctx); err != nil {
		return RunResult{}, err
	}
	slices.SortStableFunc(r.result.Items, func(a, b Outcome) int { return compareRefs(a.Ref, b.Ref) })
	return r.result, r.verdict()
}

// running is a run on its way.
type running struct {
	*workspace
	o       RunOptions
	entries []candidate // approved, listed, and unchanged since
	left    []imagelist.Approved

	mu     sync.Mutex
	result RunResult
	errs   []error
}

// candidate is what a run may copy.
type candidate struct {
	approved imagelist.Approved
	entry    imagelist.Entry
	transfer transfer.Entry
}

// sort splits the lock by what the list says of it now, and notes what of the list
// is not approved.
func (r *running) sort() error {
	for _, a := range r.lock.Approved {
		e, listed := r.isListed(a)
		if !listed {
			r.left = append(r.left, a)
			continue
		}
		if was := r.differs(e, a); was != "" {
			r.note(Outcome{Ref: a.Ref(), State: Unapproved, Why: "the list changed since: " + was})
			continue
		}
		t, err := r.entryFor(a)
		if err != nil {
			return err
		}
		r.entries = append(r.entries, candidate{a, e, t})
	}
	for _, e := range r.list.Images {
		tags := e.Tags
		if e.As != "" {
			tags = []imagelist.Tag{e.As}
		}
		for _, tag := range tags {
			if _, approved := r.lock.Find(string(e.Name), string(tag)); !approved {
				r.note(Outcome{Ref: string(e.Name) + ":" + string(tag), State: Unapproved, Why: "nobody approved it"})
			}
		}
	}
	return nil
}

func (r *running) note(o Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Items = append(r.result.Items, o)
}

// entryFor says what was approved in the words of package transfer.
func (w *workspace) entryFor(a imagelist.Approved) (transfer.Entry, error) {
	source, err := name.NewRepository(string(a.Source), name.StrictValidation)
	if err != nil {
		return transfer.Entry{}, fault.Inputf("%s: %s: source %q: %w", w.lockPath, a.Ref(), a.Source, err)
	}
	known, err := v1.NewHash(a.AtTarget())
	if err != nil {
		return transfer.Entry{}, fault.Inputf("%s: %s: %w", w.lockPath, a.Ref(), err)
	}
	e := transfer.Entry{
		Name: a.Ref(), Source: source.Digest(string(a.Digest)), Known: known,
		Target: w.at(string(a.Name)), Tags: []string{string(a.Tag)},
	}
	if a.Mirrored != "" {
		names := make([]string, len(a.Platform))
		for i, p := range a.Platform {
			names[i] = string(p)
		}
		if e.Platforms, err = parsePlatforms(names); err != nil {
			return transfer.Entry{}, err
		}
	}
	return e, nil
}

// mirror asks the target once for each tag, and does what is missing.
func (r *running) mirror(ctx context.Context) error {
	compared, err := r.transfer(ctx, r.entries, transfer.Options{DryRun: true})
	if err != nil {
		return err
	}
	if err := r.begin(compared); err != nil {
		return err
	}
	passed := make([]bool, len(r.entries))
	err = atATime(ctx, compared.Entries, func(ctx context.Context, i int, e transfer.EntryResult) (err error) {
		passed[i], err = r.settle(ctx, r.entries[i], e)
		return err
	})
	if err != nil {
		return err
	}
	var missing []candidate
	for i, c := range r.entries {
		if passed[i] {
			missing = append(missing, c)
		}
	}
	r.result.Requests = compared.Requests
	if len(missing) == 0 {
		return nil
	}
	return r.copy(ctx, missing)
}

// settle does what is to be done about an entry before anything is copied, and
// tells whether it is to be copied.
func (r *running) settle(ctx context.Context, c candidate, e transfer.EntryResult) (bool, error) {
	switch e.Status {
	case transfer.Present:
		return false, r.present(ctx, c)
	case transfer.Failed:
		r.fail(c, e.Err)
		return false, nil
	}
	return r.admit(ctx, c, e)
}

func (r *running) begin(compared transfer.Result) error {
	absent := func(e transfer.EntryResult) bool { return e.Status != transfer.Present && e.Status != transfer.Failed }
	if r.o.Begin == nil || !slices.ContainsFunc(compared.Entries, absent) {
		return nil
	}
	return r.o.Begin()
}

// present looks at the signature of what is there already, if it is to.
func (r *running) present(ctx context.Context, c candidate) error {
	out := Outcome{Ref: c.approved.Ref(), State: Present, Digest: c.approved.AtTarget()}
	if r.o.SignAll && r.o.Sign != nil && !r.o.DryRun {
		added, err := r.o.Sign(ctx, c.transfer.Target.Digest(c.approved.AtTarget()).String())
		if err != nil {
			return r.failOrStop(ctx, c, err)
		}
		out.Signed = added
	}
	r.note(out)
	return nil
}

// admit holds what is to be copied against the lock and the gate.
func (r *running) admit(ctx context.Context, c candidate, e transfer.EntryResult) (bool, error) {
	out := Outcome{Ref: c.approved.Ref(), State: WouldCopy, Digest: c.approved.AtTarget(), Bytes: e.Bytes}
	for _, before := range e.Moved {
		out.Replaces = before.String()
	}
	refused, err := r.gate(ctx, c)
	switch {
	case err != nil:
		return false, r.failOrStop(ctx, c, err)
	case len(refused) > 0:
		out.State, out.Refused, out.Bytes = Refused, refused, 0
	case !r.o.DryRun:
		return true, nil
	}
	r.note(out)
	return false, nil
}

// failOrStop keeps an error with its item, unless it is the caller's or the end.
func (r *running) failOrStop(ctx context.Context, c candidate, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if fault.KindOf(err) == fault.Input && !errors.Is(err, errLock) {
		return err
	}
	r.fail(c, err)
	return nil
}

func (r *running) fail(c candidate, err error) {
	r.note(Outcome{Ref: c.approved.Ref(), State: Failing, Digest: c.approved.AtTarget(), Why: oneLine(err)})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

// transfer is transfer.Copy with the run's own options. The errors of single
// entries are in the result.
func (r *running) transfer(ctx context.Context, of []candidate, o transfer.Options) (transfer.Result, error) {
	if len(of) == 0 {
		return transfer.Result{}, nil
	}
	entries := make([]transfer.Entry, len(of))
	for i, c := range of {
		entries[i] = c.transfer
	}
	o.Source, o.Target = r.sources, r.registry
	result, err := transfer.Copy(ctx, entries, o)
	switch {
	case ctx.Err() != nil:
		return result, ctx.Err()
	case err != nil && len(result.Entries) != len(entries):
		return result, err
	}
	return result, nil
}

func (r *running) verdict() error {
	var refused []string
	for _, i := range r.result.Items {
		for _, why := range i.Refused {
			refused = append(refused, fmt.Sprintf("  %s: %s", i.Ref, why))
		}
	}
	if len(r.errs) > 0 {
		slices.SortFunc(r.errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
		return fault.Failedf("%d of %d not mirrored:\n%w", len(r.errs), len(r.result.Items), errors.Join(r.errs...))
	}
	return refusal(refused)
}
