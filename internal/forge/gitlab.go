package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// gitLab is GitLab's REST API v4. https://docs.gitlab.com/api/merge_requests/
type gitLab struct {
	*rest
	root string // of the project's merge requests
}

func newGitLab(r *rest, o Options) api {
	return &gitLab{r, "/projects/" + url.PathEscape(o.Project+"/"+o.Repository) + "/merge_requests"}
}

type gitLabPull struct {
	IID         int       `json:"iid"` // in the project; id is GitLab's own
	Title       string    `json:"title"`
	Description *string   `json:"description"`
	State       string    `json:"state"`
	Source      string    `json:"source_branch"`
	Target      string    `json:"target_branch"`
	SHA         string    `json:"sha"`
	URL         string    `json:"web_url"`
	SourceID    int       `json:"source_project_id"`
	TargetID    int       `json:"target_project_id"`
	Updated     time.Time `json:"updated_at"`
	Author      struct {
		Username string `json:"username"`
	} `json:"author"`
}

func (g *gitLab) pull(p gitLabPull) PullRequest {
	state := map[string]State{"opened": Open, "merged": Merged}[p.State]
	if state == "" {
		state = Closed // closed, locked
	}
	pull := PullRequest{
		Number: p.IID, Title: p.Title, State: state, URL: p.URL, Author: p.Author.Username, Updated: p.Updated,
		Branch: p.Source, Target: p.Target, Head: p.SHA, Fork: p.SourceID != p.TargetID,
	}
	if p.Description != nil {
		pull.Description = *p.Description
	}
	return pull
}

func (g *gitLab) list(ctx context.Context, branch string) ([]PullRequest, error) {
	query := url.Values{"state": {"opened"}, "per_page": {"100"}}
	if branch != "" {
		query.Set("source_branch", branch)
	}
	pulls, err := linked[gitLabPull](ctx, g.rest, "list the merge requests", g.root, query)
	if err != nil {
		return nil, err
	}
	var all []PullRequest
	for _, p := range pulls {
		all = append(all, g.pull(p))
	}
	return all, nil
}

func (g *gitLab) at(number int, more string) string {
	return fmt.Sprintf("%s/%d%s", g.root, number, more)
}

func (g *gitLab) one(ctx context.Context, request call) (PullRequest, error) {
	var p gitLabPull
	request.into = &p
	if _, err := g.do(ctx, request); err != nil {
		return PullRequest{}, err
	}
	return g.pull(p), nil
}

func (g *gitLab) get(ctx context.Context, number int) (PullRequest, error) {
	return g.one(ctx, call{what: fmt.Sprintf("read merge request %d", number), method: http.MethodGet, path: g.at(number, "")})
}

func (g *gitLab) create(ctx context.Context, d Draft) (PullRequest, error) {
	return g.one(ctx, call{what: "open a merge request", method: http.MethodPost, path: g.root, body: map[string]any{
		"title": d.Title, "description": d.Description, "source_branch": d.Branch, "target_branch": d.Target,
	}})
}

func (g *gitLab) update(ctx context.Context, number int, title, description string) (PullRequest, error) {
	return g.one(ctx, call{
		what: fmt.Sprintf("change merge request %d", number), method: http.MethodPut, path: g.at(number, ""),
		body: map[string]any{"title": title, "description": description},
	})
}

func (g *gitLab) close(ctx context.Context, number int) error {
	_, err := g.do(ctx, call{what: fmt.Sprintf("close merge request %d", number), method: http.MethodPut, path: g.at(number, ""), body: map[string]any{"state_event": "close"}})
	return err
}

func (g *gitLab) comments(ctx context.Context, number int) ([]comment, error) {
	type found struct {
		ID   int    `json:"id"`
		Body string `json:"body"`
	}
	all, err := linked[found](ctx, g.rest, fmt.Sprintf("read the comments on merge request %d", number), g.at(number, "/notes"), url.Values{"per_page": {"100"}})
	if err != nil {
		return nil, err
	}
	var comments []comment
	for _, f := range all {
		comments = append(comments, comment{id: f.ID, text: f.Body})
	}
	return comments, nil
}

func (g *gitLab) addComment(ctx context.Context, number int, text string) error {
	_, err := g.do(ctx, call{what: fmt.Sprintf("comment on merge request %d", number), method: http.MethodPost, path: g.at(number, "/notes"), body: map[string]any{"body": text}})
	return err
}

func (g *gitLab) changeComment(ctx context.Context, number int, old comment, text string) error {
	_, err := g.do(ctx, call{
		what: fmt.Sprintf("change a comment on merge request %d", number), method: http.MethodPut,
		path: g.at(number, fmt.Sprintf("/notes/%d", old.id)), body: map[string]any{"body": text},
	})
	return err
}
