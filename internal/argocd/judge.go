package argocd

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pave-platform/pave/internal/gitops"
)

// verdict is what a sight means to who waits.
type verdict struct {
	there   bool
	waiting string // for what; never empty unless there
	ill     string // what will not get well by itself, if it lasts
	over    bool   // with ill: it will not, and need not be borne for a while
}

// judge holds a state against what is wanted. It is about one moment: what a
// moment cannot tell, like for how long, is the follower's.
func judge(s sight, w Want) verdict {
	state := s.state
	switch {
	case s.err != nil:
		return verdict{waiting: "Argo CD to make the Application from Git"}
	case state.Deleting:
		return verdict{waiting: "the Application to be deleted and made anew"}
	case !state.has(w.ContentHash):
		return verdict{waiting: "Argo CD to take up the change (it has " + shortImage(state.Image) + " still)"}
	case state.At(w.ContentHash):
		return verdict{there: true}
	}
	if text := state.condition("InvalidSpecError"); text != "" {
		return verdict{waiting: "Argo CD to accept the Application", ill: "Argo CD does not accept it"}
	}
	if text := state.condition("ComparisonError"); text != "" {
		v := verdict{waiting: "Argo CD to render the chart: " + plainly(text)}
		if !transport.MatchString(text) {
			v.ill = "Argo CD cannot render it"
		}
		return v
	}
	if !state.Current {
		return verdict{waiting: "Argo CD to compare the cluster with the change"}
	}
	return state.judgeSync()
}

// judgeSync is about a state that is of the wanted content.
func (s State) judgeSync() verdict {
	o := s.Operation
	switch {
	case o.Running && o.Retries > 0:
		return verdict{waiting: fmt.Sprintf("the sync, retry %d: %s", o.Retries, oneLine(o.Message))}
	case o.Running && o.Message == "":
		return verdict{waiting: "the sync"}
	case o.Running:
		return verdict{waiting: "the sync: " + oneLine(o.Message)}
	case s.Sync != Synced && o.Current && (o.Phase == "Failed" || o.Phase == "Error"):
		return verdict{waiting: "another sync", ill: "the sync failed: " + oneLine(o.Message), over: s.autosync}
	case s.Sync != Synced:
		return verdict{waiting: "Argo CD to sync"}
	case s.Health == Degraded:
		return verdict{waiting: "Degraded resources", ill: "it is Degraded"}
	case s.Health == Suspended:
		return verdict{waiting: "a suspended rollout to go on"}
	case s.Health == Missing:
		return verdict{waiting: "resources that are missing"}
	}
	return verdict{waiting: "resources to become Healthy"}
}

// transport is in the words of a component of Argo CD, or of a registry, that is
// away for a while.
var transport = regexp.MustCompile(`(?i)connection refused|connection reset|connection error|code = (Unavailable|DeadlineExceeded|Canceled)|context deadline|i/o timeout|no such host|\bEOF\b|too many requests|(502|503|504) `)

func (s State) condition(kind string) string {
	for _, c := range s.Conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

func shortImage(image string) string {
	_, digest, _ := strings.Cut(image, "@")
	if digest == "" {
		return "no release of pave"
	}
	return gitops.Short(digest)
}

// longest is how much of other people's words a line of ours bears.
const longest = 400

// wrapping is what Argo CD's components put around the words that matter.
var wrapping = regexp.MustCompile("(?s)^.*desc = |(error|failed to) pull(ing)? OCI chart: |failed running helm: `[^`]*` failed exit status [0-9]+: (Error: )?|`helm template [^`]*` failed exit status [0-9]+: (Error: )?")

// plainly is the heart of an error that went through several of Argo CD's
// components.
func plainly(text string) string { return oneLine(wrapping.ReplaceAllString(text, "")) }

var spaces = regexp.MustCompile(`\s+`)

func oneLine(text string) string {
	text = strings.TrimSpace(spaces.ReplaceAllString(text, " "))
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
