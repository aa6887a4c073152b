package promote

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/gitops"
)

// Result is what a promotion or a rollback came to. Where the release was followed
// and did not become Healthy, it comes with an error.
type Result struct {
	Action      gitops.Action `json:"action"`
	Repository  string        `json:"repository"`
	Branch      string        `json:"branch"`
	Path        string        `json:"path"`        // in the repository
	Application string        `json:"application"` // the Application's name in Argo CD
	Namespace   string        `json:"namespace"`   // that the application runs in
	From        string        `json:"from,omitempty"`
	To          string        `json:"to"` // environment
	Image       string        `json:"image"`
	Digest      string        `json:"digest"`
	Previous    string        `json:"previous,omitempty"`  // digest that ran before
	Chart       string        `json:"chart"`               // repository/name:version
	Revision    string        `json:"revision,omitempty"`  // the source's commit
	Verified    []string      `json:"verified"`            // as in signature, spdx
	Overrides   []string      `json:"overrides,omitempty"` // values that differ from those of From
	Changes     []Difference  `json:"changes,omitempty"`   // to what the environment had
	Commit      string        `json:"commit"`              // the move's, or the branch's newest where nothing changed
	Changed     bool          `json:"changed"`             // in a dry run: whether it would change anything
	DryRun      bool          `json:"dryRun,omitempty"`
	Attempts    int           `json:"attempts"`
	Diff        string        `json:"diff,omitempty"` // unified; of a dry run and a pull request
	Manifest    string        `json:"manifest"`       // the Argo CD Application as YAML

	Soak        *Soak        `json:"soak,omitempty"`        // where From was looked at
	PullRequest *PullRequest `json:"pullRequest,omitempty"` // where there is one
	Rollout     *Rollout     `json:"rollout,omitempty"`     // where it was followed
	TakenBack   *TakenBack   `json:"takenBack,omitempty"`   // where it was
}

func (m *move) result(c Common) Result {
	r := Result{
		Action: m.entry.Action, Repository: c.Repository.URL, Branch: c.Repository.Branch, Path: m.next.Path(),
		Application: m.next.Name(), Namespace: m.next.Namespace(), From: m.entry.From, To: m.entry.To,
		Image: m.next.Image, Digest: m.entry.Digest, Previous: m.entry.Previous, Chart: m.next.Chart.String(), Revision: m.next.Revision,
		DryRun: c.DryRun, Manifest: string(m.content), Changes: m.differences(),
	}
	if m.source != nil {
		r.Overrides = gitops.Differing(m.source.Values, m.next.Values)
	}
	return r
}

// Summary says the result in a few lines.
func (r Result) Summary(w io.Writer) {
	if r.DryRun && r.Changed {
		fmt.Fprintf(w, "%s\n", r.Diff)
	}
	fmt.Fprintf(w, "%s %s in namespace %s\n", r.verb(), r.Application, r.Namespace)
	lines := [][2]string{
		{"image", r.Image}, {"was", r.Previous}, {"chart", r.Chart}, {"source", r.Revision},
		{"verified", strings.Join(r.Verified, ", ")}, {"differs", strings.Join(r.Overrides, ", ")},
	}
	for _, d := range r.Changes {
		if d.What != "image" && d.What != "source" && d.Before != "" || d.What == "values" {
			lines = append(lines, [2]string{"changes", strings.TrimSpace(strings.Join(say([]Difference{d}), ""))})
		}
	}
	if r.Soak != nil {
		lines = append(lines, [2]string{"soak", fmt.Sprintf("%s is Healthy since %s, %s asked for", r.From, r.Soak.HealthySince.Format(time.RFC3339), r.Soak.Asked)})
	}
	for _, line := range lines {
		if line[1] != "" {
			fmt.Fprintf(w, "%-9s %s\n", line[0], line[1])
		}
	}
	switch {
	case r.DryRun:
		fmt.Fprintf(w, "dry run: nothing was pushed to %s of %s\n", r.Branch, r.Repository)
	case r.PullRequest != nil:
		fmt.Fprintf(w, "branch    %s at %s\npull req. %s\n", r.PullRequest.Branch, r.Commit, r.PullRequest.URL)
	case r.Changed || r.TakenBack != nil && r.Commit != "":
		fmt.Fprintf(w, "commit    %s on %s of %s\n", r.Commit, r.Branch, r.Repository)
	case r.Action == gitops.Rollback:
		fmt.Fprintln(w, "to go further back, name a digest of the history with --to")
	}
	r.Rollout.summary(w)
	r.TakenBack.summary(w)
}

func (r Result) verb() string {
	promotion := r.Action == gitops.Promote
	switch {
	case r.TakenBack != nil:
		return "failed   "
	case r.PullRequest != nil && r.PullRequest.Opened:
		return "proposed "
	case r.PullRequest != nil && r.Changed:
		return "proposed anew"
	case r.PullRequest != nil:
		return "proposed before"
	case !r.Changed:
		return "unchanged"
	case promotion:
		return "promoted "
	}
	return "went back"
}

func (r *Rollout) summary(w io.Writer) {
	switch {
	case r == nil:
		return
	case r.Healthy:
		fmt.Fprintf(w, "healthy   after %s\n", r.Waited)
		return
	}
	fmt.Fprintf(w, "unwell    after %s: %s\n", r.Waited, or(r.Why, "it is not known how it is"))
	for _, p := range r.Problems {
		fmt.Fprintf(w, "problem   %s\n", p)
	}
}

func (t *TakenBack) summary(w io.Writer) {
	if t == nil {
		return
	}
	fmt.Fprintf(w, "reason    it %s\n", t.Reason)
	if t.Digest != "" {
		health := "not seen Healthy"
		if t.Healthy {
			health = "Healthy"
		}
		fmt.Fprintf(w, "back to   %s, %s\ncommit    %s\n", t.Image, health, or(t.Commit, "of an earlier run"))
	}
	if t.Rejected {
		fmt.Fprintln(w, "rejected  for ever")
	}
	if t.Problem != "" {
		fmt.Fprintf(w, "problem   %s\n", t.Problem)
	}
}
