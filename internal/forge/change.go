package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// Create opens a pull request and tells that it did. If one from d's branch to
// d's target is open already, it gets d's title and description instead.
func (c *Client) Create(ctx context.Context, d Draft) (PullRequest, bool, error) {
	if err := d.validate(); err != nil {
		return PullRequest{}, false, err
	}
	var wait backoff
	var failed error // why the last attempt did not say that it worked
	for attempt := 1; ; attempt++ {
		switch found, err := c.Find(ctx, d.Branch, d.Target); {
		case err != nil:
			return PullRequest{}, false, err
		case found != nil && found.Title == d.Title && sameText(found.Description, d.Description):
			return *found, lost(failed), nil
		case found != nil:
			p, err := c.update(ctx, found.Number, d.Title, d.Description)
			return p, lost(failed), err
		case conflict(failed): // not because it is open already
			return PullRequest{}, false, failed
		}
		p, err := c.create(ctx, d)
		if err == nil {
			return p, true, nil
		}
		if failed = err; !lost(err) && !conflict(err) || attempt == attempts {
			return PullRequest{}, false, err
		}
		if err := c.again(ctx, &wait, failed); err != nil {
			return PullRequest{}, false, err
		}
	}
}

// again waits before what may have been obeyed is looked for.
func (c *Client) again(ctx context.Context, wait *backoff, failed error) error {
	if !lost(failed) {
		return nil
	}
	return wait.pause(ctx, c.rest.log, c.rest.repository, 0, failed)
}

func (d Draft) validate() error {
	for _, part := range []struct{ what, text string }{{"source branch", d.Branch}, {"target branch", d.Target}, {"title", d.Title}} {
		if strings.TrimSpace(part.text) == "" {
			return fault.Inputf("a pull request needs a %s", part.what)
		}
	}
	if d.Branch == d.Target {
		return fault.Inputf("a pull request from %s to itself", d.Branch).Fix("give another source branch")
	}
	return nil
}

// Update changes title and description of an open pull request.
func (c *Client) Update(ctx context.Context, number int, title, description string) (PullRequest, error) {
	return c.update(ctx, number, title, description)
}

// Close closes a pull request without merging it, and tells that it did: one that
// is not open is left as it is.
func (c *Client) Close(ctx context.Context, number int) (bool, error) {
	var wait backoff
	var failed error
	for attempt := 1; ; attempt++ {
		switch p, err := c.get(ctx, number); {
		case err != nil:
			return false, err
		case p.State != Open:
			return lost(failed), nil
		}
		err := c.api.close(ctx, number)
		if err == nil {
			return true, nil
		}
		if failed = err; !lost(err) && !conflict(err) || attempt == attempts {
			return false, err
		}
		if err := c.again(ctx, &wait, failed); err != nil {
			return false, err
		}
	}
}

// Comment writes text on a pull request, once: marker is a short name by which
// the comment is found again, and changed where text differs. It tells whether
// anything was written.
func (c *Client) Comment(ctx context.Context, number int, marker, text string) (bool, error) {
	mark, err := hiddenMark(marker)
	if err != nil {
		return false, err
	}
	text = strings.TrimRight(text, "\n") + "\n\n" + mark
	var wait backoff
	var failed error
	for attempt := 1; ; attempt++ {
		mine, done, err := c.marked(ctx, number, mark, text)
		if err != nil || done {
			return err == nil && failed != nil, err
		}
		changed, err := c.change(ctx, number, mine, text)
		if err == nil && !changed {
			err = c.addComment(ctx, number, text)
		}
		if err == nil {
			return true, nil
		}
		if failed = err; !lost(err) && !conflict(err) || attempt == attempts {
			return false, err
		}
		if err := c.again(ctx, &wait, failed); err != nil {
			return false, err
		}
	}
}

// marked gives the comments with mark, and whether one of them is text already.
func (c *Client) marked(ctx context.Context, number int, mark, text string) ([]comment, bool, error) {
	all, err := c.comments(ctx, number)
	if err != nil {
		return nil, false, err
	}
	var mine []comment
	for _, found := range all {
		switch {
		case sameText(found.text, text):
			return nil, true, nil
		case strings.Contains(found.text, mark):
			mine = append(mine, found)
		}
	}
	return mine, false, nil
}

// change brings the first comment that may be changed to text. Somebody else may
// have copied the mark: theirs cannot be.
func (c *Client) change(ctx context.Context, number int, mine []comment, text string) (bool, error) {
	for _, old := range mine {
		err := c.changeComment(ctx, number, old, text)
		if err == nil {
			return true, nil
		}
		if no := new(refusal); !errors.As(err, &no) || no.status != http.StatusForbidden && no.status != http.StatusUnauthorized && no.status != http.StatusNotFound {
			return false, err
		}
	}
	return false, nil
}

// hiddenMark is a link definition that nothing refers to: Markdown shows none of
// it, where an HTML comment would be shown by Bitbucket.
func hiddenMark(marker string) (string, error) {
	if !slug.MatchString(marker) {
		return "", fault.Inputf("comment marker %q", marker).Fix("use letters, digits, dots and dashes")
	}
	return fmt.Sprintf("[//]: # (pave:%s)", marker), nil
}

// sameText compares as forges store: some change line ends, some trim.
func sameText(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}

// conflict tells whether somebody else changed the same thing meanwhile.
func conflict(err error) bool {
	var no *refusal
	return errors.As(err, &no) && (no.status == http.StatusConflict || no.status == http.StatusUnprocessableEntity || no.status == http.StatusBadRequest)
}
