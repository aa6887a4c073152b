package mirror

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Change is what is different about a tag from what was approved.
type Change string

// The changes.
const (
	None    Change = "none"    // upstream has what was approved
	New     Change = "new"     // nothing is approved for this tag
	Moved   Change = "moved"   // the tag stands for other content upstream
	Changed Change = "changed" // the list asks for something else: source, digest, platforms or kind
	Gone    Change = "gone"    // upstream does not have it any more
	Left    Change = "left"    // it was approved and is not on the list any more
	Failed  Change = "failed"  // upstream could not be asked
)

func (c Change) needsApproval() bool { return c == New || c == Moved || c == Changed }

// AtTarget is what stands at the target under a tag.
type AtTarget string

// What stands there.
const (
	Absent  AtTarget = "absent"  // nothing
	Current AtTarget = "current" // what was approved
	Other   AtTarget = "other"   // something else
)

// PlanResult is what would have to be approved, and what is as it should be.
type PlanResult struct {
	List   string `json:"list"`
	Lock   string `json:"lock"`
	Target string `json:"target"` // registry/project
	Items  []Item `json:"items"`  // by name and tag
}

// Item is one tag at the target.
type Item struct {
	Ref          string     `json:"ref"`    // name:tag
	Source       string     `json:"source"` // registry/repository:tag or @digest
	Change       Change     `json:"change"`
	Was          string     `json:"was,omitempty"`      // of a changed one: what was approved
	Approved     string     `json:"approved,omitempty"` // digest
	Upstream     string     `json:"upstream,omitempty"` // digest
	AtTarget     AtTarget   `json:"atTarget,omitempty"`
	TargetDigest string     `json:"targetDigest,omitempty"`
	Kind         string     `json:"kind,omitempty"` // from here on: of what needs approval
	MediaType    string     `json:"mediaType,omitempty"`
	Size         int64      `json:"size,omitempty"` // compressed, of the platforms to mirror
	Platforms    []string   `json:"platforms,omitempty"`
	Created      *time.Time `json:"created,omitempty"`
	Signature    string     `json:"signature,omitempty"` // verified or unverified, where the list says who signs
	SignedBy     string     `json:"signedBy,omitempty"`  // the identity whose signature it is, where it is not a key's
	Scan         *Findings  `json:"scan,omitempty"`
	Refused      []Refusal  `json:"refused,omitempty"` // why approve refuses it
	Note         string     `json:"note,omitempty"`
	Error        string     `json:"error,omitempty"`

	err error
}

// NeedsApproval tells whether somebody has to look at it.
func (i Item) NeedsApproval() bool { return i.Change.needsApproval() }

// Refusal is something that speaks against an approval.
type Refusal struct {
	Reason string `json:"reason"`
	Gate   bool   `json:"gate,omitempty"`  // a limit of the scan
	Final  bool   `json:"final,omitempty"` // no reason helps
}

// Findings are those of the worst platform, and the difference to what is approved.
type Findings struct {
	Counts   map[string]int `json:"counts"` // by severity
	Compared bool           `json:"compared"`
	New      []string       `json:"new,omitempty"` // CVE-… package
	Fixed    []string       `json:"fixed,omitempty"`
}

// ToApprove counts what needs an approval.
func (r PlanResult) ToApprove() (n int) {
	for _, i := range r.Items {
		if i.Change.needsApproval() {
			n++
		}
	}
	return n
}

// Summary writes a table of what is different, and a line about the rest.
func (r PlanResult) Summary(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	same, unlike := 0, 0
	for _, i := range r.Items {
		if i.Change == None && i.AtTarget == Current {
			same++
			continue
		}
		if unlike++; unlike == 1 {
			fmt.Fprintln(t, "IMAGE\tUPSTREAM\tTARGET\tDIGEST\tSIZE\tAGE\tCRIT/HIGH\tCVES\tSIGNATURE")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Ref, i.Change, orDash(string(i.AtTarget)), i.digests(),
			sizeWords(i.Size), age(i.Created), i.Scan.counts(), i.Scan.difference(), orDash(i.Signature))
	}
	t.Flush()
	for _, i := range r.Items {
		if i.Was != "" {
			fmt.Fprintf(w, "%s: the list changed: %s\n", i.Ref, i.Was)
		}
		for _, refusal := range i.Refused {
			fmt.Fprintf(w, "%s: %s\n", i.Ref, refusal.Reason)
		}
	}
	fmt.Fprintf(w, "%d as approved at %s, %d to approve\n", same, r.Target, r.ToApprove())
}

func (i Item) digests() string {
	switch {
	case i.Upstream == "" || i.Upstream == i.Approved:
		return orDash(short(i.Approved))
	case i.Approved == "":
		return short(i.Upstream)
	}
	return short(i.Approved) + " to " + short(i.Upstream)
}

func (f *Findings) counts() string {
	if f == nil {
		return "-"
	}
	return fmt.Sprintf("%d/%d", f.Counts["critical"], f.Counts["high"])
}

func (f *Findings) difference() string {
	if f == nil || !f.Compared {
		return "-"
	}
	return fmt.Sprintf("+%d -%d", len(f.New), len(f.Fixed))
}

// short is enough of a digest to tell two apart.
func short(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(12, len(hex))]
}

func orDash(s string) string { return cmp.Or(s, "-") }

func age(created *time.Time) string {
	if created == nil {
		return "-"
	}
	days := int(time.Since(*created).Hours() / 24)
	switch {
	case days < 1:
		return "today"
	case days < 365:
		return fmt.Sprintf("%dd", days)
	}
	return fmt.Sprintf("%dy", days/365)
}

func sizeWords(n int64) string {
	if n == 0 {
		return "-"
	}
	return words(n)
}

// words gives a size for people.
func words(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// compareRefs orders name:tag by name, then tag.
func compareRefs(a, b string) int {
	aName, aTag, _ := strings.Cut(a, ":")
	bName, bTag, _ := strings.Cut(b, ":")
	return cmp.Or(strings.Compare(aName, bName), strings.Compare(aTag, bTag))
}
