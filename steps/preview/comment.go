package preview

import (
	"context"
	"fmt"
	"io"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gitops"
)

// CommentOptions say which pull request is told of its preview.
type CommentOptions struct {
	Of
	Number int
	DryRun bool // write nothing
}

// Commented is what became of the comment.
type Commented struct {
	Number      int    `json:"number"`
	PullRequest string `json:"pullRequest"`
	URL         string `json:"url"`
	Text        string `json:"text"`
	Changed     bool   `json:"changed"` // it was written, or changed
	DryRun      bool   `json:"dryRun,omitempty"`
}

// Summary says it in a line.
func (c Commented) Summary(w io.Writer) {
	state := "was there already"
	switch {
	case c.DryRun:
		state = "not written: dry run"
	case c.Changed:
		state = "written"
	}
	fmt.Fprintf(w, "comment  %s (%s)\npreview  %s\n", c.PullRequest, state, c.URL)
}

// Comment tells a pull request where its preview is, in one comment that is changed
// with each commit.
func Comment(ctx context.Context, o CommentOptions) (Commented, error) {
	if err := o.validate(); err != nil {
		return Commented{}, err
	}
	if o.Domain == "" {
		return Commented{}, fault.Inputf("the domain of previews is not given").Fix("give --domain, as to pave preview enable")
	}
	client, err := forge.New(o.Forge)
	if err != nil {
		return Commented{}, err
	}
	p, err := client.Get(ctx, o.Number)
	if err != nil {
		return Commented{}, err
	}
	if err := o.isPreview(p); err != nil {
		return Commented{}, err
	}
	c := Commented{Number: p.Number, PullRequest: p.URL, URL: o.url(p.Number), DryRun: o.DryRun}
	c.Text = fmt.Sprintf("Preview of `%s` at commit `%s`: %s\n\nIt follows this branch and goes when the pull request is closed.", o.App, gitops.Short(p.Head), c.URL)
	if !o.DryRun {
		c.Changed, err = client.Comment(ctx, p.Number, "preview-"+o.App, c.Text)
	}
	return c, err
}
