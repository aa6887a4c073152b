package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// dataCenter is Bitbucket Data Center's REST API 1.0, which Server and Argo CD
// speak too. https://developer.atlassian.com/server/bitbucket/rest/
type dataCenter struct {
	*rest
	root string // of the repository's pull requests
	own  dcRepository
}

func newDataCenter(r *rest, o Options) api {
	d := &dataCenter{rest: r, root: "/api/1.0/projects/" + url.PathEscape(o.Project) + "/repos/" + url.PathEscape(o.Repository) + "/pull-requests"}
	d.own.Slug, d.own.Project.Key = o.Repository, o.Project
	return d
}

type dcRepository struct {
	Slug    string `json:"slug"`
	Project struct {
		Key string `json:"key"`
	} `json:"project"`
}

type dcRef struct {
	ID           string        `json:"id"` // refs/heads/…
	LatestCommit string        `json:"latestCommit,omitempty"`
	Repository   *dcRepository `json:"repository,omitempty"`
}

type dcPull struct {
	ID          int               `json:"id"`
	Version     int               `json:"version"` // for changes: a stale one is refused
	Title       string            `json:"title"`
	Description string            `json:"description"`
	State       string            `json:"state"`
	FromRef     dcRef             `json:"fromRef"`
	ToRef       dcRef             `json:"toRef"`
	Reviewers   []json.RawMessage `json:"reviewers"`
	Updated     int64             `json:"updatedDate"` // milliseconds
	Author      struct {
		User struct {
			Name string `json:"name"`
		} `json:"user"`
	} `json:"author"`
	Links struct {
		Self []struct {
			Href string `json:"href"`
		} `json:"self"`
	} `json:"links"`
}

const heads = "refs/heads/"

func (d *dataCenter) pull(p dcPull) PullRequest {
	state := map[string]State{"OPEN": Open, "MERGED": Merged}[p.State]
	if state == "" {
		state = Closed // DECLINED
	}
	pull := PullRequest{
		Number: p.ID, Title: p.Title, Description: p.Description, State: state,
		Branch: strings.TrimPrefix(p.FromRef.ID, heads), Target: strings.TrimPrefix(p.ToRef.ID, heads),
		Head: p.FromRef.LatestCommit, Author: p.Author.User.Name, Fork: true, Updated: time.UnixMilli(p.Updated).UTC(),
	}
	if from := p.FromRef.Repository; from != nil {
		pull.Fork = !d.is(from)
	}
	if len(p.Links.Self) > 0 {
		pull.URL = p.Links.Self[0].Href
	}
	return pull
}

func (d *dataCenter) list(ctx context.Context, branch string) ([]PullRequest, error) {
	query := url.Values{"state": {"OPEN"}, "limit": {"100"}}
	if branch != "" {
		query.Set("direction", "OUTGOING")
		query.Set("at", heads+branch)
	}
	pulls, err := dcPages[dcPull](ctx, d.rest, "list the pull requests", d.root, query)
	if err != nil {
		return nil, err
	}
	var all []PullRequest
	for _, p := range pulls {
		if d.is(p.ToRef.Repository) { // a fork has those that it offers to others, too
			all = append(all, d.pull(p))
		}
	}
	return all, nil
}

// is tells whether r is the repository.
func (d *dataCenter) is(r *dcRepository) bool {
	return r != nil && strings.EqualFold(r.Slug, d.own.Slug) && strings.EqualFold(r.Project.Key, d.own.Project.Key)
}

// dcPages reads a list page by page.
func dcPages[T any](ctx context.Context, r *rest, what, path string, query url.Values) ([]T, error) {
	var all []T
	for start := 0; ; {
		var page struct {
			Values []T   `json:"values"`
			Last   *bool `json:"isLastPage"`
			Next   *int  `json:"nextPageStart"`
		}
		query.Set("start", strconv.Itoa(start))
		if _, err := r.do(ctx, call{what: what, method: http.MethodGet, path: path, query: query, into: &page}); err != nil {
			return nil, err
		}
		all = append(all, page.Values...)
		switch {
		case page.Last == nil || !*page.Last && (page.Next == nil || *page.Next <= start):
			return nil, r.explain(ctx, what, &garbled{errors.New("a page does not say where the next one is")})
		case *page.Last:
			return all, nil
		}
		start = *page.Next
	}
}

func (d *dataCenter) at(number int, more string) string {
	return fmt.Sprintf("%s/%d%s", d.root, number, more)
}

func (d *dataCenter) read(ctx context.Context, number int) (p dcPull, err error) {
	_, err = d.do(ctx, call{what: fmt.Sprintf("read pull request %d", number), method: http.MethodGet, path: d.at(number, ""), into: &p})
	return p, err
}

func (d *dataCenter) get(ctx context.Context, number int) (PullRequest, error) {
	p, err := d.read(ctx, number)
	if err != nil {
		return PullRequest{}, err
	}
	return d.pull(p), nil
}

func (d *dataCenter) create(ctx context.Context, draft Draft) (PullRequest, error) {
	var p dcPull
	_, err := d.do(ctx, call{what: "open a pull request", method: http.MethodPost, path: d.root, into: &p, body: map[string]any{
		"title": draft.Title, "description": draft.Description,
		"fromRef": dcRef{ID: heads + draft.Branch, Repository: &d.own},
		"toRef":   dcRef{ID: heads + draft.Target, Repository: &d.own},
	}})
	if err != nil {
		return PullRequest{}, err
	}
	return d.pull(p), nil
}

// update sends the reviewers along: who is left out is taken off.
func (d *dataCenter) update(ctx context.Context, number int, title, description string) (PullRequest, error) {
	what := fmt.Sprintf("change pull request %d", number)
	for attempt := 1; ; attempt++ {
		old, err := d.read(ctx, number)
		if err != nil {
			return PullRequest{}, err
		}
		var p dcPull
		_, err = d.do(ctx, call{what: what, method: http.MethodPut, path: d.at(number, ""), into: &p, body: map[string]any{
			"version": old.Version, "title": title, "description": description, "reviewers": append([]json.RawMessage{}, old.Reviewers...),
		}})
		if err == nil {
			return d.pull(p), nil
		}
		if attempt == attempts || !conflict(err) || old.State != "OPEN" {
			return PullRequest{}, err
		}
	}
}

func (d *dataCenter) close(ctx context.Context, number int) error {
	p, err := d.read(ctx, number)
	if err != nil {
		return err
	}
	_, err = d.do(ctx, call{
		what: fmt.Sprintf("decline pull request %d", number), method: http.MethodPost,
		path: d.at(number, "/decline"), query: url.Values{"version": {strconv.Itoa(p.Version)}},
	})
	return err
}

// comments reads what happened to the pull request: the API lists comments by
// file only.
func (d *dataCenter) comments(ctx context.Context, number int) ([]comment, error) {
	type activity struct {
		Action        string `json:"action"`
		CommentAction string `json:"commentAction"`
		Comment       struct {
			ID      int    `json:"id"`
			Version int    `json:"version"`
			Text    string `json:"text"`
		} `json:"comment"`
	}
	all, err := dcPages[activity](ctx, d.rest, fmt.Sprintf("read the comments on pull request %d", number), d.at(number, "/activities"), url.Values{"limit": {"100"}})
	if err != nil {
		return nil, err
	}
	var comments []comment
	for _, a := range all {
		if a.Action == "COMMENTED" && a.CommentAction == "ADDED" {
			comments = append(comments, comment{id: a.Comment.ID, version: a.Comment.Version, text: a.Comment.Text})
		}
	}
	return comments, nil
}

func (d *dataCenter) addComment(ctx context.Context, number int, text string) error {
	_, err := d.do(ctx, call{what: fmt.Sprintf("comment on pull request %d", number), method: http.MethodPost, path: d.at(number, "/comments"), body: map[string]any{"text": text}})
	return err
}

func (d *dataCenter) changeComment(ctx context.Context, number int, old comment, text string) error {
	_, err := d.do(ctx, call{
		what: fmt.Sprintf("change a comment on pull request %d", number), method: http.MethodPut,
		path: d.at(number, fmt.Sprintf("/comments/%d", old.id)), body: map[string]any{"text": text, "version": old.version},
	})
	return err
}
