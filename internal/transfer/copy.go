package transfer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// Copy brings every entry to its target. Entries do not wait for each other: one
// that fails does not keep the others from being copied. The Result is complete
// also beside an error, which joins the entries' errors, each of a kind of
// internal/fault: Input where the entry is wrong, else Failed. If ctx ends, tags
// that have not moved stay.
func Copy(ctx context.Context, entries []Entry, o Options) (Result, error) {
	if err := check(entries); err != nil {
		return Result{}, err
	}
	from := newSide(o.Source, "pull")
	defer from.close()
	expectSources(from, entries)
	r := newRun(registries{from}, entries, o)
	defer r.to.close()
	result, err := r.all(ctx, entries)
	result.Requests.Source = from.requests.Load()
	return result, err
}

func expectSources(from *side, entries []Entry) {
	byRegistry := map[name.Registry][]string{}
	for _, e := range entries {
		byRegistry[e.Source.Registry] = append(byRegistry[e.Source.Registry], e.Source.RepositoryStr())
	}
	for reg, repositories := range byRegistry {
		from.host(reg).expect(repositories)
	}
}

// check refuses what cannot be meant.
func check(entries []Entry) error {
	tags := map[string]v1.Hash{}
	for _, e := range entries {
		if len(e.Tags) == 0 {
			return fault.Inputf("%s has no tag", e.label()).Fix("give it one or more")
		}
		if e.Target.RegistryStr() != entries[0].Target.RegistryStr() {
			return fault.Inputf("%s goes to %s, %s to %s", entries[0].label(), entries[0].Target.RegistryStr(), e.label(), e.Target.RegistryStr()).
				Fix("copy to one registry at a time")
		}
		d, err := v1.NewHash(e.Source.DigestStr())
		if err != nil {
			return fault.Inputf("%s: %w", e.label(), err)
		}
		for _, t := range e.Tags {
			at := e.Target.Tag(t).String()
			if other, ok := tags[at]; ok && other != d {
				return fault.Inputf("%s is to be both %s and %s", at, other, d).Fix("give the tag to one of them")
			}
			tags[at] = d
		}
	}
	return nil
}

func (e Entry) label() string {
	switch {
	case e.Name != "":
		return e.Name
	case len(e.Tags) == 0:
		return e.Target.String()
	}
	return e.Target.Tag(e.Tags[0]).String()
}

// run is one Copy or Import.
type run struct {
	source        source
	to            *side
	target        *host
	referrersMode Referrers
	sparse        bool
	wanted        func(v1.Descriptor) bool // of layers
	dryRun        bool
	fromArchive   bool
	sourceJobs    int
	sending       chan struct{} // large blobs on their way to the target
	progress      *progress
	done          func(EntryResult)

	mu      sync.Mutex
	lanes   map[string]*lanes
	blobs   map[v1.Hash]*blob
	needs   map[place]*need
	knownAt map[v1.Hash][]string // repositories of the target that have a blob
	settled []name.Repository    // of the target, that had a tag of ours before
	result  Result
	telling sync.Mutex
	listing sync.Mutex
}

func newRun(s source, entries []Entry, o Options) *run {
	to := newSide(o.Target, "pull,push")
	r := &run{
		source: s, to: to, referrersMode: o.Referrers, sparse: o.Sparse, wanted: distributable, dryRun: o.DryRun,
		sourceJobs: orDefault(o.SourceJobs, 6), sending: make(chan struct{}, orDefault(o.TargetJobs, 8)),
		progress: newProgress(len(entries), o.Progress), done: o.Done,
		lanes: map[string]*lanes{}, blobs: map[v1.Hash]*blob{}, needs: map[place]*need{}, knownAt: map[v1.Hash][]string{},
	}
	if o.ForeignLayers {
		r.wanted = func(v1.Descriptor) bool { return true }
	}
	if len(entries) > 0 {
		r.target = to.host(entries[0].Target.Registry)
		var repositories []string
		for _, e := range entries {
			repositories = append(repositories, e.Target.RepositoryStr())
		}
		r.target.expect(repositories)
	}
	return r
}

func orDefault(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// all copies the entries.
func (r *run) all(ctx context.Context, entries []Entry) (Result, error) {
	start := time.Now()
	stop := r.progress.start()
	results := make([]EntryResult, len(entries))
	_ = each(ctx, entries, func(ctx context.Context, i int, e Entry) error {
		results[i] = r.entry(ctx, e)
		r.tell(results[i])
		return nil
	})
	stop()
	var errs []error
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Entries, r.result.Bytes = results, r.progress.sent.Load()
	for _, e := range results {
		errs = append(errs, e.Err)
		switch e.Status {
		case Copied, WouldCopy:
			r.result.Copied++
		case Present:
			r.result.Present++
		case Failed:
			r.result.Failed++
		}
	}
	if r.dryRun {
		r.result.Bytes = r.progress.total.Load()
	}
	r.result.Requests.Target = r.to.requests.Load()
	r.result.Seconds = time.Since(start).Seconds()
	if ctx.Err() != nil {
		return r.result, ctx.Err()
	}
	return r.result, errors.Join(errs...)
}

func (r *run) tell(e EntryResult) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.progress.finished.Add(1)
	if r.done != nil {
		r.done(e)
	}
}

// entry copies one entry.
func (r *run) entry(ctx context.Context, e Entry) EntryResult {
	c := &copying{run: r, entry: e, result: EntryResult{
		Name: e.label(), Source: e.Source.String(), Target: e.Target.String(), Tags: e.Tags,
	}}
	err := c.copy(ctx)
	c.looked()
	if err != nil {
		c.result.Status = Failed
		c.result.Err = c.explain(err)
		c.result.Error = c.result.Err.Error()
	}
	return c.result
}

// explain names the entry and the end that failed.
func (c *copying) explain(err error) error {
	if errors.Is(err, errNone) {
		return fault.Failedf("%s: %s is not there any more", c.result.Name, c.entry.Source).Fix("approve what its publisher has now")
	}
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return &fault.Error{Kind: known.Kind, Err: fmt.Errorf("%s: %w", c.result.Name, unfixed(err, known)), Remedy: known.Remedy}
	}
	reg := c.entry.Source.Registry
	if at, ok := errors.AsType[*hostError](err); ok {
		reg = at.host
	}
	return registry.Explain(c.result.Name, reg, err)
}

// unfixed is err without the remedy of known in its words.
func unfixed(err error, known *fault.Error) error {
	if known.Remedy == "" {
		return err
	}
	return reworded{strings.TrimSuffix(err.Error(), "; "+known.Remedy), err}
}

type reworded struct {
	words string
	error
}

// Error implements error.
func (r reworded) Error() string { return r.words }

// Unwrap gives the error in its own words.
func (r reworded) Unwrap() error { return r.error }

func refuseAltered(from name.Repository, err error) error {
	return fault.Failedf("%s serves other content: %w", from, err).Fix("do not use it; tell its publisher, or look for a proxy on the way")
}
