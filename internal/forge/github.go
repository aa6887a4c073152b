package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// gitHub is GitHub's REST API v3. https://docs.github.com/rest/pulls
type gitHub struct {
	*rest
	root  string // of the repository
	owner string
	full  string // owner/repository
}

func newGitHub(r *rest, o Options) api {
	return &gitHub{
		rest: r, owner: o.Project, full: o.Project + "/" + o.Repository,
		root: "/repos/" + url.PathEscape(o.Project) + "/" + url.PathEscape(o.Repository),
	}
}

type gitHubPull struct {
	Number  int       `json:"number"`
	Title   string    `json:"title"`
	Body    *string   `json:"body"`
	State   string    `json:"state"`
	Merged  *string   `json:"merged_at"`
	URL     string    `json:"html_url"`
	Updated time.Time `json:"updated_at"`
	User    struct {
		Login string `json:"login"`
	} `json:"user"`
	Head struct {
		Ref  string `json:"ref"`
		SHA  string `json:"sha"`
		Repo *struct {
			FullName string `json:"full_name"`
		} `json:"repo"` // null once a fork is deleted
	} `json:"head"`
	Base struct {
		Ref string `json:"ref"`
	} `json:"base"`
}

func (g *gitHub) pull(p gitHubPull) PullRequest {
	pull := PullRequest{
		Number: p.Number, Title: p.Title, State: Closed, URL: p.URL, Author: p.User.Login, Updated: p.Updated,
		Branch: p.Head.Ref, Head: p.Head.SHA, Target: p.Base.Ref,
		Fork: p.Head.Repo == nil || !strings.EqualFold(p.Head.Repo.FullName, g.full),
	}
	switch {
	case p.State == "open":
		pull.State = Open
	case p.Merged != nil:
		pull.State = Merged
	}
	if p.Body != nil {
		pull.Description = *p.Body
	}
	return pull
}

func (g *gitHub) list(ctx context.Context, branch string) ([]PullRequest, error) {
	query := url.Values{"state": {"open"}, "per_page": {"100"}}
	if branch != "" {
		query.Set("head", g.owner+":"+branch)
	}
	pulls, err := linked[gitHubPull](ctx, g.rest, "list the pull requests", g.root+"/pulls", query)
	if err != nil {
		return nil, err
	}
	var all []PullRequest
	for _, p := range pulls {
		all = append(all, g.pull(p))
	}
	return all, nil
}

func (g *gitHub) at(number int) string { return fmt.Sprintf("%s/pulls/%d", g.root, number) }

func (g *gitHub) one(ctx context.Context, request call) (PullRequest, error) {
	var p gitHubPull
	request.into = &p
	if _, err := g.do(ctx, request); err != nil {
		return PullRequest{}, err
	}
	return g.pull(p), nil
}

func (g *gitHub) get(ctx context.Context, number int) (PullRequest, error) {
	return g.one(ctx, call{what: fmt.Sprintf("read pull request %d", number), method: http.MethodGet, path: g.at(number)})
}

func (g *gitHub) create(ctx context.Context, d Draft) (PullRequest, error) {
	return g.one(ctx, call{what: "open a pull request", method: http.MethodPost, path: g.root + "/pulls", body: map[string]any{
		"title": d.Title, "body": d.Description, "head": d.Branch, "base": d.Target,
	}})
}

func (g *gitHub) update(ctx context.Context, number int, title, description string) (PullRequest, error) {
	return g.one(ctx, call{
		what: fmt.Sprintf("change pull request %d", number), method: http.MethodPatch, path: g.at(number),
		body: map[string]any{"title": title, "body": description},
	})
}

func (g *gitHub) close(ctx context.Context, number int) error {
	_, err := g.do(ctx, call{what: fmt.Sprintf("close pull request %d", number), method: http.MethodPatch, path: g.at(number), body: map[string]any{"state": "closed"}})
	return err
}

// comments are an issue's: a pull request is one.
func (g *gitHub) comments(ctx context.Context, number int) ([]comment, error) {
	type found struct {
		ID   int    `json:"id"`
		Body string `json:"body"`
	}
	all, err := linked[found](ctx, g.rest, fmt.Sprintf("read the comments on pull request %d", number), fmt.Sprintf("%s/issues/%d/comments", g.root, number), url.Values{"per_page": {"100"}})
	if err != nil {
		return nil, err
	}
	var comments []comment
	for _, f := range all {
		comments = append(comments, comment{id: f.ID, text: f.Body})
	}
	return comments, nil
}

func (g *gitHub) addComment(ctx context.Context, number int, text string) error {
	_, err := g.do(ctx, call{
		what: fmt.Sprintf("comment on pull request %d", number), method: http.MethodPost,
		path: fmt.Sprintf("%s/issues/%d/comments", g.root, number), body: map[string]any{"body": text},
	})
	return err
}

func (g *gitHub) changeComment(ctx context.Context, number int, old comment, text string) error {
	_, err := g.do(ctx, call{
		what: fmt.Sprintf("change a comment on pull request %d", number), method: http.MethodPatch,
		path: fmt.Sprintf("%s/issues/comments/%d", g.root, old.id), body: map[string]any{"body": text},
	})
	return err
}
