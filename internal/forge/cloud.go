package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// cloud is Bitbucket Cloud's REST API 2.0.
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/
type cloud struct {
	*rest
	root string // of the repository's pull requests
	full string // workspace/repository
}

func newCloud(r *rest, o Options) api {
	full := url.PathEscape(o.Project) + "/" + url.PathEscape(o.Repository)
	return &cloud{r, "/repositories/" + full + "/pullrequests", o.Project + "/" + o.Repository}
}

type cloudEnd struct {
	Branch struct {
		Name string `json:"name"`
	} `json:"branch"`
	Commit *struct {
		Hash string `json:"hash"` // 12 digits
	} `json:"commit,omitempty"`
	Repository *struct {
		FullName string `json:"full_name"`
	} `json:"repository,omitempty"` // null once a fork is deleted
}

type cloudPull struct {
	ID          int       `json:"id"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	State       string    `json:"state"`
	Source      cloudEnd  `json:"source"`
	Destination cloudEnd  `json:"destination"`
	Updated     time.Time `json:"updated_on"`
	Author      struct {
		Nickname    string `json:"nickname"`
		DisplayName string `json:"display_name"`
	} `json:"author"`
	Links struct {
		HTML struct {
			Href string `json:"href"`
		} `json:"html"`
	} `json:"links"`
}

func (c *cloud) pull(p cloudPull) PullRequest {
	state := map[string]State{"OPEN": Open, "MERGED": Merged}[p.State]
	if state == "" {
		state = Closed // DECLINED, SUPERSEDED
	}
	pull := PullRequest{
		Number: p.ID, Title: p.Title, Description: p.Description, State: state,
		Branch: p.Source.Branch.Name, Target: p.Destination.Branch.Name,
		Author: p.Author.Nickname, URL: p.Links.HTML.Href, Updated: p.Updated,
		Fork: p.Source.Repository == nil || !strings.EqualFold(p.Source.Repository.FullName, c.full),
	}
	if pull.Author == "" {
		pull.Author = p.Author.DisplayName
	}
	if p.Source.Commit != nil {
		pull.Head = p.Source.Commit.Hash
	}
	return pull
}

func (c *cloud) list(ctx context.Context, branch string) ([]PullRequest, error) {
	query := url.Values{"state": {"OPEN"}, "pagelen": {"50"}}
	if branch != "" {
		query.Set("q", `source.branch.name="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(branch)+`" AND state="OPEN"`)
	}
	pulls, err := cloudPages[cloudPull](ctx, c.rest, "list the pull requests", c.root, query)
	if err != nil {
		return nil, err
	}
	var all []PullRequest
	for _, p := range pulls {
		if p.State == "OPEN" {
			all = append(all, c.pull(p))
		}
	}
	return all, nil
}

// cloudPages reads a list page by page.
func cloudPages[T any](ctx context.Context, r *rest, what, path string, query url.Values) ([]T, error) {
	var all []T
	for range mostPages {
		var page struct {
			Values []T    `json:"values"`
			Next   string `json:"next"`
		}
		if _, err := r.do(ctx, call{what: what, method: http.MethodGet, path: path, query: query, into: &page}); err != nil {
			return nil, err
		}
		all = append(all, page.Values...)
		if page.Next == "" {
			return all, nil
		}
		path, query = page.Next, nil
	}
	return nil, r.explain(ctx, what, endless())
}

func (c *cloud) at(number int, more string) string {
	return fmt.Sprintf("%s/%d%s", c.root, number, more)
}

func (c *cloud) one(ctx context.Context, request call) (PullRequest, error) {
	var p cloudPull
	request.into = &p
	if _, err := c.do(ctx, request); err != nil {
		return PullRequest{}, err
	}
	return c.pull(p), nil
}

func (c *cloud) get(ctx context.Context, number int) (PullRequest, error) {
	return c.one(ctx, call{what: fmt.Sprintf("read pull request %d", number), method: http.MethodGet, path: c.at(number, "")})
}

func (c *cloud) create(ctx context.Context, d Draft) (PullRequest, error) {
	type branch map[string]map[string]string
	return c.one(ctx, call{what: "open a pull request", method: http.MethodPost, path: c.root, body: map[string]any{
		"title": d.Title, "description": d.Description,
		"source":      branch{"branch": {"name": d.Branch}},
		"destination": branch{"branch": {"name": d.Target}},
	}})
}

func (c *cloud) update(ctx context.Context, number int, title, description string) (PullRequest, error) {
	return c.one(ctx, call{
		what: fmt.Sprintf("change pull request %d", number), method: http.MethodPut, path: c.at(number, ""),
		body: map[string]any{"title": title, "description": description},
	})
}

func (c *cloud) close(ctx context.Context, number int) error {
	_, err := c.do(ctx, call{what: fmt.Sprintf("decline pull request %d", number), method: http.MethodPost, path: c.at(number, "/decline")})
	return err
}

type cloudContent struct {
	Content struct {
		Raw string `json:"raw"`
	} `json:"content"`
}

func cloudText(text string) (c cloudContent) {
	c.Content.Raw = text
	return c
}

func (c *cloud) comments(ctx context.Context, number int) ([]comment, error) {
	type found struct {
		ID      int  `json:"id"`
		Deleted bool `json:"deleted"`
		cloudContent
	}
	all, err := cloudPages[found](ctx, c.rest, fmt.Sprintf("read the comments on pull request %d", number), c.at(number, "/comments"), url.Values{"pagelen": {"100"}})
	if err != nil {
		return nil, err
	}
	var comments []comment
	for _, f := range all {
		if !f.Deleted {
			comments = append(comments, comment{id: f.ID, text: f.Content.Raw})
		}
	}
	return comments, nil
}

func (c *cloud) addComment(ctx context.Context, number int, text string) error {
	_, err := c.do(ctx, call{what: fmt.Sprintf("comment on pull request %d", number), method: http.MethodPost, path: c.at(number, "/comments"), body: cloudText(text)})
	return err
}

func (c *cloud) changeComment(ctx context.Context, number int, old comment, text string) error {
	_, err := c.do(ctx, call{
		what: fmt.Sprintf("change a comment on pull request %d", number), method: http.MethodPut,
		path: c.at(number, fmt.Sprintf("/comments/%d", old.id)), body: cloudText(text),
	})
	return err
}
