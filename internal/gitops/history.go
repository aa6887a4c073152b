package gitops

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/gitrepo"
)

// Action is what made an entry of a history.
type Action string

// The actions.
const (
	Found    Action = "found"    // a release that a promotion found and replaced, deployed by other means
	Promote  Action = "promote"  // from another environment
	Rollback Action = "rollback" // to a release of the history
)

// Entry is one release that an environment had.
type Entry struct {
	Action   Action    `json:"action"`
	At       time.Time `json:"at"`
	By       string    `json:"by,omitempty"`   // unknown of what was found
	From     string    `json:"from,omitempty"` // environment; of a promotion
	To       string    `json:"to"`             // environment
	Reason   string    `json:"reason,omitempty"`
	Previous string    `json:"previous,omitempty"` // digest that ran before
	Digest   string    `json:"digest"`
	Release  Release   `json:"release"`

	// Until is when a release that is followed in the cluster has to be Healthy, by the
	// cluster's clock. While somebody follows it, nobody else moves the environment.
	Until time.Time `json:"until,omitzero"`
	Seen

	Automatic bool `json:"automatic,omitempty"` // a rollback that nobody asked for: what it took back did not become Healthy
}

// Seen is how the cluster had a release when the environment was moved away from
// it, as far as anybody looked.
type Seen struct {
	Healthy time.Time `json:"healthy,omitzero"` // since when, by the cluster's clock
	Unwell  bool      `json:"unwell,omitempty"` // it is nothing to go back to
}

// History is what an application had in one environment, oldest first. It holds
// whole releases, so that each of them can be had back as it was.
type History struct {
	Entries []Entry `json:"entries"`
}

// longest is how many entries a history keeps.
const longest = 100

const historyNotice = notForArgoCD + `# Written by pave promote, newest last.
`

// LoadHistory reads a target's.
func LoadHistory(tree *gitrepo.Tree, t Target) (History, error) {
	var h History
	if _, err := load(tree, t.HistoryPath(), &h); err != nil {
		return History{}, err
	}
	for i, e := range h.Entries {
		err := e.Release.consistent()
		if err == nil && e.Digest != e.Release.Digest() {
			err = errors.New("it has another digest than its release")
		}
		if err != nil {
			return History{}, damaged(t.HistoryPath(), fmt.Errorf("entry %d: %w", i+1, err))
		}
	}
	return h, nil
}

// Append adds the newest entry. The oldest goes where there are too many.
func (h History) Append(entries ...Entry) History {
	all := slices.Concat(h.Entries, entries)
	return History{all[max(0, len(all)-longest):]}
}

// Last is the newest entry; nil for none.
func (h History) Last() *Entry {
	if len(h.Entries) == 0 {
		return nil
	}
	return &h.Entries[len(h.Entries)-1]
}

// Now is the history with what runs now as its newest entry: a release that it
// does not know of came by other means than promotion, and is found.
func (h History) Now(running Application, at time.Time) History {
	if last := h.Last(); last != nil && last.Release.Same(running.Release) {
		return h
	}
	return h.Append(Entry{Action: Found, At: at, To: running.Environment, Digest: running.Digest(), Release: running.Release})
}

// See is the history with what was seen of its newest entry.
func (h History) See(s Seen) History {
	if len(h.Entries) == 0 || s == (Seen{}) {
		return h
	}
	entries := slices.Clone(h.Entries)
	entries[len(entries)-1].Seen = s
	return History{entries}
}

// TakenBack is the promotion that the newest entry, an automatic rollback, took back
// and the rollback; nil for none.
func (h History) TakenBack() (promotion, rollback *Entry) {
	n := len(h.Entries)
	if n < 2 || !h.Entries[n-1].Automatic || h.Entries[n-2].Digest != h.Entries[n-1].Previous {
		return nil, nil
	}
	return &h.Entries[n-2], &h.Entries[n-1]
}

// Standing are the releases that were not taken back, oldest first. A rollback
// takes away what it left, and all that came after what it went back to.
func (h History) Standing() []Entry {
	var standing []Entry
	for _, e := range h.Entries {
		if e.Action == Rollback {
			standing = before(standing, e.Release)
		}
		standing = append(standing, e)
	}
	return standing
}

// before gives what was before the newest entry of release, the top not counted,
// which is what a rollback leaves.
func before(entries []Entry, release Release) []Entry {
	top := max(0, len(entries)-1)
	for i := top - 1; i >= 0; i-- {
		if entries[i].Release.Same(release) {
			return entries[:i]
		}
	}
	return entries[:top]
}

// Render gives history.yaml.
func (h History) Render() ([]byte, error) {
	body, err := yaml.Marshal(h)
	return append([]byte(historyNotice), body...), err
}
