package promote

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// HistoryOptions say whose history it is.
type HistoryOptions struct {
	Repository                gitrepo.Options
	Project, Environment, App string
}

// HistoryResult is what an application had in an environment.
type HistoryResult struct {
	Path    string   `json:"path"` // in the repository
	Entries []Record `json:"entries"`
}

// Record is an entry of the history, and what became of it.
type Record struct {
	gitops.Entry
	Running  bool              `json:"running,omitempty"`  // it is what the environment has now
	Rejected *gitops.Rejection `json:"rejected,omitempty"` // why it is no way back
}

// History gives what promotions and rollbacks did, oldest first.
func History(ctx context.Context, o HistoryOptions) (HistoryResult, error) {
	t := gitops.Target{Project: o.Project, Environment: o.Environment, App: o.App}
	if err := t.Validate(); err != nil {
		return HistoryResult{}, err
	}
	repository, err := gitrepo.New(o.Repository)
	if err != nil {
		return HistoryResult{}, err
	}
	r := HistoryResult{Path: t.HistoryPath(), Entries: []Record{}}
	err = repository.Read(ctx, func(tree *gitrepo.Tree) error {
		history, err := gitops.LoadHistory(tree, t)
		if err != nil {
			return err
		}
		rejections, err := gitops.LoadRejections(tree, o.Project)
		if err != nil {
			return err
		}
		content, err := gitops.Read(tree, t.Path())
		if err != nil {
			return err
		}
		running, _ := gitops.Parse(t, content) // a damaged one is none of the history's
		for _, e := range history.Entries {
			r.Entries = append(r.Entries, Record{Entry: e, Rejected: rejections.Find(e.Digest)})
		}
		if last := history.Last(); last != nil {
			r.Entries[len(r.Entries)-1].Running = last.Release.Same(running.Release)
		}
		return nil
	})
	return r, err
}

// Summary writes the newest first.
func (r HistoryResult) Summary(w io.Writer) {
	if len(r.Entries) == 0 {
		fmt.Fprintf(w, "no history: there is no %s\n", r.Path)
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WHEN\tWHAT\tDIGEST\tCHART\tSOURCE\tBY\t")
	for _, e := range slices.Backward(r.Entries) {
		what := string(e.Action)
		if e.From != "" {
			what += " from " + e.From
		}
		if e.Automatic {
			what = "automatic " + what
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Format(time.RFC3339), what, e.Digest, e.Release.Chart.Version,
			gitops.Short(e.Release.Revision), e.By, e.mark())
	}
	t.Flush()
}

// mark is what else is to be said of an entry.
func (r Record) mark() string {
	var marks []string
	if r.Running {
		marks = append(marks, "running")
	}
	if r.Unwell {
		marks = append(marks, "unwell")
	}
	if r.Reason != "" {
		marks = append(marks, r.Reason)
	}
	if r.Rejected != nil {
		marks = append(marks, "rejected: "+r.Rejected.Reason)
	}
	return strings.Join(marks, "; ")
}
