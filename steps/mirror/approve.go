package mirror

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// ApproveOptions say what to approve, and who does.
type ApproveOptions struct {
	Common
	Refs   []string // name, name:tag or name:tag@digest; all tags of a name
	All    bool     // everything that needs an approval
	By     string   // who approves
	Reason string   // why what the gate or a signature speaks against is approved nevertheless
	DryRun bool     // write nothing
	Scan   Scan     // nil: nothing is scanned
	Verify Verify   // needed where the list names publishers' keys or identities
	Now    func() time.Time
}

// ApproveResult is what was approved and what was not.
type ApproveResult struct {
	Lock     string    `json:"lock"`
	Changed  bool      `json:"changed"` // the lock was written, or would be
	DryRun   bool      `json:"dryRun,omitempty"`
	Approved []Item    `json:"approved"`
	Refused  []Item    `json:"refused"`
	Dropped  []Dropped `json:"dropped"` // left the list
}

// Dropped is an approval of what left the list.
type Dropped struct {
	Ref  string `json:"ref"`
	Kept string `json:"kept,omitempty"` // why the lock keeps it nevertheless
}

// Approve writes what upstream has now for the given tags into the lock, in one
// step. What exceeds the limits or whose publisher's signature does not hold is
// left out without a reason, and makes a fault.Gate beside the Result. It copies
// nothing.
func Approve(ctx context.Context, o ApproveOptions) (ApproveResult, error) {
	if o.By == "" {
		return ApproveResult{}, fault.Inputf("an approval needs a name").Fix("give --by")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	w, err := o.open(ctx)
	if err != nil {
		return ApproveResult{}, err
	}
	defer w.close()
	asked, err := parseSelection(o.Refs, o.All)
	if err != nil {
		return ApproveResult{}, err
	}
	items, err := w.compare(ctx)
	if err != nil {
		return ApproveResult{}, err
	}
	selected, err := asked.from(items)
	if err != nil {
		return ApproveResult{}, err
	}
	r := ApproveResult{Lock: w.lockPath, DryRun: o.DryRun, Approved: []Item{}, Refused: []Item{}, Dropped: []Dropped{}}
	j := judge{w, o.Scan, o.Verify}
	var failed PlanResult
	for _, i := range selected {
		if err := j.decide(ctx, i, o, &r); err != nil {
			return ApproveResult{}, err
		}
		failed.Items = append(failed.Items, i.Item)
	}
	if r.Changed, err = w.save(o.DryRun); err != nil {
		return ApproveResult{}, err
	}
	if err := failed.failures(); err != nil {
		return r, err
	}
	return r, r.verdict()
}

// decide approves one item, refuses it, or drops it from the lock.
func (j judge) decide(ctx context.Context, i *item, o ApproveOptions, r *ApproveResult) error {
	switch {
	case i.Change == Left:
		d := Dropped{Ref: i.Ref}
		if i.AtTarget == Current {
			d.Kept = "it is still at the target: run pave mirror run --prune first"
		} else {
			j.lock.Drop(i.Ref)
		}
		r.Dropped = append(r.Dropped, d)
		return nil
	case i.Change == Gone && !o.All:
		i.Refused = append(i.Refused, Refusal{Reason: "upstream does not have it any more", Final: true})
		r.Refused = append(r.Refused, i.Item)
		return nil
	case !i.Change.needsApproval():
		return nil
	}
	if err := j.look(ctx, i); err != nil {
		return err
	}
	if !acceptable(i.Refused, o.Reason) {
		r.Refused = append(r.Refused, i.Item)
		return nil
	}
	a, err := j.approval(i, o)
	if err != nil {
		return err
	}
	j.lock.Put(a)
	r.Approved = append(r.Approved, i.Item)
	return nil
}

func acceptable(refused []Refusal, reason string) bool {
	return !slices.ContainsFunc(refused, func(r Refusal) bool { return r.Final || reason == "" })
}

func (j judge) approval(i *item, o ApproveOptions) (imagelist.Approved, error) {
	mirrored, err := j.atTarget(i)
	if err != nil {
		return imagelist.Approved{}, err
	}
	a := imagelist.Approved{
		Name: i.wanted.entry.Name, Tag: imagelist.Tag(i.wanted.tag), Source: i.wanted.entry.Source,
		Digest: imagelist.Digest(i.Upstream), Mirrored: mirrored,
		Kind: i.content.kind, Type: imagelist.MediaType(i.MediaType), Size: imagelist.Bytes(i.Size),
		Signed: imagelist.Signed(i.Signature), At: imagelist.Stamp(o.Now()), By: imagelist.Note(o.By),
	}
	asked := j.list.PlatformsOf(i.wanted.entry)
	if len(asked) == 0 || i.content.kind != imagelist.Image {
		asked = i.Platforms
	}
	for _, p := range asked {
		a.Platform = append(a.Platform, imagelist.Platform(p))
	}
	if i.Scan != nil {
		count := func(severity string) imagelist.Findings { return imagelist.Findings(i.Scan.Counts[severity]) }
		a.Scan = &imagelist.Scan{
			Critical: count("critical"), High: count("high"), Medium: count("medium"), Low: count("low"), Unknown: count("unknown"),
		}
	}
	if len(i.Refused) > 0 {
		a.Reason = imagelist.Note(o.Reason)
	}
	if err := a.By.Valid(); err != nil {
		return a, fault.Inputf("--by %w", err)
	}
	if err := a.Reason.Valid(); err != nil {
		return a, fault.Inputf("--reason %w", err)
	}
	return a, nil
}

// save writes the lock.
func (w *workspace) save(dryRun bool) (changed bool, err error) {
	if dryRun {
		return w.lock.Differs(w.lockPath)
	}
	return w.lock.Write(w.lockPath)
}

// verdict is a gate error for what was refused.
func (r ApproveResult) verdict() error {
	if len(r.Refused) == 0 {
		return nil
	}
	var lines []string
	for _, i := range r.Refused {
		for _, refusal := range i.Refused {
			lines = append(lines, fmt.Sprintf("  %s: %s", i.Ref, refusal.Reason))
		}
	}
	return fault.Gatef("%d of %d not approved; mirror something else, or give --reason where there is one\n%s",
		len(r.Refused), len(r.Refused)+len(r.Approved), strings.Join(lines, "\n"))
}

// Summary says what the lock has now.
func (r ApproveResult) Summary(w io.Writer) {
	for _, i := range r.Approved {
		fmt.Fprintf(w, "approved  %s  %s\n", i.Ref, i.digests())
	}
	for _, i := range r.Refused {
		fmt.Fprintf(w, "refused   %s  %s\n", i.Ref, i.digests())
	}
	for _, d := range r.Dropped {
		if d.Kept != "" {
			fmt.Fprintf(w, "kept      %s  %s\n", d.Ref, d.Kept)
			continue
		}
		fmt.Fprintf(w, "dropped   %s  not on the list any more\n", d.Ref)
	}
	state := "written"
	switch {
	case !r.Changed:
		state = "unchanged"
	case r.DryRun:
		state = "dry run, not written"
	}
	fmt.Fprintf(w, "%s: %s\n", r.Lock, state)
}

// selection is what the caller wants to approve.
type selection struct {
	all  bool
	refs []selected
}

type selected struct {
	written string
	ref     string // name or name:tag
	digest  string // or empty
}

func parseSelection(refs []string, all bool) (selection, error) {
	if all == (len(refs) > 0) {
		return selection{}, fault.Inputf("it is not said what to approve").Fix("name what to approve as in alpine or alpine:3.22, or give --all")
	}
	s := selection{all: all}
	for _, written := range refs {
		ref, digest, _ := strings.Cut(written, "@")
		if digest != "" {
			if _, err := v1.NewHash(digest); err != nil || !strings.Contains(ref, ":") {
				return selection{}, fault.Inputf("%q is not name:tag@sha256:…", written).Fix("take tag and digest from pave mirror plan --json")
			}
		}
		s.refs = append(s.refs, selected{written, ref, digest})
	}
	return s, nil
}

// from gives the selected items in their order. A digest that upstream does not
// have any more, or a name that nothing has, is an error.
func (s selection) from(items []*item) ([]*item, error) {
	if s.all {
		return items, nil
	}
	chosen := map[*item]bool{}
	for _, want := range s.refs {
		found := false
		for _, i := range items {
			name, _, _ := strings.Cut(i.Ref, ":")
			if i.Ref != want.ref && name != want.ref {
				continue
			}
			found, chosen[i] = true, true
			if want.digest != "" && want.digest != i.Upstream {
				return nil, fault.Gatef("%s is %s upstream now, not %s", i.Ref, orDash(i.Upstream), want.digest).
					Fix("look at it again with pave mirror plan")
			}
		}
		if !found {
			return nil, fault.Inputf("%s is neither on the list nor in the lock", want.ref).Fix("name what to approve as in alpine or alpine:3.22, or give --all")
		}
	}
	return slices.DeleteFunc(slices.Clone(items), func(i *item) bool { return !chosen[i] }), nil
}
