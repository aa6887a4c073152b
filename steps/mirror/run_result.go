package mirror

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/pave-platform/pave/internal/transfer"
)

// State is what became of a tag.
type State string

// The states.
const (
	Present    State = "present"    // it was there
	Copied     State = "copied"     // it is there now
	WouldCopy  State = "would-copy" // copied, but for a dry run
	Refused    State = "refused"    // the gate said no
	Unapproved State = "unapproved" // the list asks for it and the lock does not have it
	Failing    State = "failed"
	Stale      State = "left"        // it left the list and is still there
	Removed    State = "removed"     // it left the list and is there no more
	WouldPrune State = "would-prune" // removed, but for a dry run
	Kept       State = "kept"        // it left the list, and the tag is not ours any more or cannot be removed
)

// RunResult is what a run did.
type RunResult struct {
	Target   string            `json:"target"`
	DryRun   bool              `json:"dryRun,omitempty"`
	Project  *Project          `json:"project,omitempty"` // at a Harbor
	Items    []Outcome         `json:"items"`             // by name and tag
	Bytes    int64             `json:"bytes"`             // of blobs, sent to the target
	Blobs    transfer.Blobs    `json:"blobs"`
	Requests transfer.Requests `json:"requests"` // without those of gate, signatures and tags
}

// Outcome is what became of one tag.
type Outcome struct {
	Ref       string   `json:"ref"`
	State     State    `json:"state"`
	Digest    string   `json:"digest,omitempty"`    // at the target
	Replaces  string   `json:"replaces,omitempty"`  // digest that the tag had before
	Bytes     int64    `json:"bytes,omitempty"`     // sent for it
	Referrers int      `json:"referrers,omitempty"` // carried along
	Signed    bool     `json:"signed,omitempty"`    // by the platform's key, in this run
	Refused   []string `json:"refused,omitempty"`   // what the gate says
	Why       string   `json:"why,omitempty"`
}

// Count gives the number of items in a state.
func (r RunResult) Count(s State) (n int) {
	for _, i := range r.Items {
		if i.State == s {
			n++
		}
	}
	return n
}

// Summary writes a table of what was not there already, and a line about all.
func (r RunResult) Summary(w io.Writer) {
	r.Project.summary(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, i := range r.Items {
		if i.State != Present {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", i.State, i.Ref, orDash(short(i.Digest)), sizeWords(i.Bytes), strings.Join(append(i.Refused, i.Why), " "))
		}
	}
	t.Flush()
	dry := ""
	if r.DryRun {
		dry = ", dry run"
	}
	fmt.Fprintf(w, "%s: %d copied (%s), %d as they were%s", r.Target, r.Count(Copied), words(r.Bytes), r.Count(Present), dry)
	for _, s := range []State{Removed, Stale, Unapproved, Refused, Failing} {
		if n := r.Count(s); n > 0 {
			fmt.Fprintf(w, ", %d %s", n, s)
		}
	}
	fmt.Fprintln(w)
}
