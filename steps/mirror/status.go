package mirror

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/pave-platform/pave/internal/harbor"
	"github.com/pave-platform/pave/internal/transfer"
)

// StatusOptions say what to look at besides the tags.
type StatusOptions struct {
	Common
	Harbor    *harbor.Options // nil: the target is no Harbor, or its API is not to be used
	Inventory string          // file for what the target has, for an export elsewhere; empty: none
}

// StatusResult is what the target has of what was approved.
type StatusResult struct {
	Target    string   `json:"target"`
	Project   *Project `json:"project,omitempty"`
	Tags      []Tag    `json:"tags"` // by name and tag
	Inventory string   `json:"inventory,omitempty"`
}

// Tag is an approved tag at the target.
type Tag struct {
	Ref      string   `json:"ref"`
	AtTarget AtTarget `json:"atTarget"`
	Approved string   `json:"approved"` // digest at the target that was approved
	Digest   string   `json:"digest,omitempty"`
	Listed   bool     `json:"listed"` // false: it left the list
}

// Status compares the lock with the target: one request for each tag. Sources are
// not asked.
func Status(ctx context.Context, o StatusOptions) (StatusResult, error) {
	w, err := o.open(ctx)
	if err != nil {
		return StatusResult{}, err
	}
	defer w.close()
	r := StatusResult{Target: w.target.String(), Tags: []Tag{}}
	if r.Project, err = w.project(ctx, o.Harbor, true); err != nil {
		return StatusResult{}, err
	}
	items := make([]*item, len(w.lock.Approved))
	for i, a := range w.lock.Approved {
		items[i] = &item{approved: a, Item: Item{Ref: a.Ref()}}
	}
	err = atATime(ctx, items, func(ctx context.Context, _ int, i *item) error { return w.ask(ctx, i) })
	if err != nil {
		return StatusResult{}, err
	}
	for _, i := range items {
		_, listed := w.isListed(i.approved)
		r.Tags = append(r.Tags, Tag{Ref: i.Ref, AtTarget: i.AtTarget, Approved: i.approved.AtTarget(), Digest: i.TargetDigest, Listed: listed})
	}
	if o.Inventory == "" {
		return r, nil
	}
	entries := make([]transfer.Entry, len(items))
	for n, i := range items {
		if entries[n], err = w.entryFor(i.approved); err != nil {
			return StatusResult{}, err
		}
	}
	inventory, err := transfer.TakeInventory(ctx, entries, w.registry)
	if err != nil {
		return StatusResult{}, err
	}
	r.Inventory = o.Inventory
	return r, inventory.Write(o.Inventory)
}

// Summary writes what is not as approved, and a line about all.
func (r StatusResult) Summary(w io.Writer) {
	r.Project.summary(w)
	current := 0
	for _, t := range r.Tags {
		if t.AtTarget == Current && t.Listed {
			current++
			continue
		}
		left := ""
		if !t.Listed {
			left = ", not on the list any more"
		}
		fmt.Fprintf(w, "%s  %s%s  %s\n", t.Ref, t.AtTarget, left, orDash(short(t.Digest)))
	}
	fmt.Fprintf(w, "%d of %d as approved at %s\n", current, len(r.Tags), r.Target)
}

// Complete tells whether the target has all that is approved and on the list.
func (r StatusResult) Complete() bool {
	return !slices.ContainsFunc(r.Tags, func(t Tag) bool { return t.Listed && t.AtTarget != Current })
}
