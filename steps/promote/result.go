package promote

import (
	"fmt"
	"io"
	"strings"

	"github.com/pave-platform/pave/internal/gitops"
)

// Result is what a promotion or a rollback came to.
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
	Commit      string        `json:"commit"`              // the promotion's, or the branch's newest where nothing changed
	Changed     bool          `json:"changed"`             // in a dry run: whether it would change anything
	DryRun      bool          `json:"dryRun,omitempty"`
	Attempts    int           `json:"attempts"`
	Diff        string        `json:"diff,omitempty"` // unified; of a dry run only
	Manifest    string        `json:"manifest"`       // the Argo CD Application as YAML
}

func (m *move) result(c Common) Result {
	r := Result{
		Action: m.entry.Action, Repository: c.Repository.URL, Branch: c.Repository.Branch, Path: m.next.Path(),
		Application: m.next.Name(), Namespace: m.next.Namespace(), From: m.entry.From, To: m.entry.To,
		Image: m.next.Image, Digest: m.entry.Digest, Previous: m.entry.Previous, Chart: m.next.Chart.String(), Revision: m.next.Revision,
		DryRun: c.DryRun, Manifest: string(m.content),
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
	what := map[gitops.Action]string{gitops.Promote: "promoted ", gitops.Rollback: "went back"}[r.Action]
	if !r.Changed {
		what = "unchanged"
	}
	fmt.Fprintf(w, "%s %s in namespace %s\n", what, r.Application, r.Namespace)
	for _, line := range [][2]string{
		{"image", r.Image}, {"was", r.Previous}, {"chart", r.Chart}, {"source", r.Revision},
		{"verified", strings.Join(r.Verified, ", ")}, {"differs", strings.Join(r.Overrides, ", ")},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "%-9s %s\n", line[0], line[1])
		}
	}
	switch {
	case r.DryRun:
		fmt.Fprintf(w, "dry run: nothing was pushed to %s of %s\n", r.Branch, r.Repository)
	case r.Changed:
		fmt.Fprintf(w, "commit    %s on %s of %s\n", r.Commit, r.Branch, r.Repository)
	case r.Action == gitops.Rollback:
		fmt.Fprintln(w, "to go further back, name a digest of the history with --to")
	}
}
