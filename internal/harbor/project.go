package harbor

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Project is a project of Harbor.
type Project struct {
	ID       int64           `json:"project_id"`
	Name     string          `json:"name"`
	Metadata ProjectMetadata `json:"metadata"`
}

// ProjectMetadata are a project's settings. Harbor writes booleans as text.
type ProjectMetadata struct {
	Public      string `json:"public,omitempty"`       // true or false
	PreventVul  string `json:"prevent_vul,omitempty"`  // refuse pulls of vulnerable images
	Severity    string `json:"severity,omitempty"`     // from which on
	AutoScan    string `json:"auto_scan,omitempty"`    // scan on push
	RetentionID string `json:"retention_id,omitempty"` // of the retention policy, if there is one
}

// NewProject is a project to be made.
type NewProject struct {
	Name         string          `json:"project_name"`
	Metadata     ProjectMetadata `json:"metadata"`
	StorageLimit int64           `json:"storage_limit"` // bytes; -1 for none
}

// Project gives a project, and whether there is one.
func (c *Client) Project(ctx context.Context, name string) (Project, bool, error) {
	var p Project
	err := c.call(ctx, http.MethodGet, []string{"projects", name}, nil, nil, &p)
	// Harbor answers 403 where there is no project and the account is not the
	// administrator's: it does not tell that from one that is hidden.
	if s := statusOf(err); s == http.StatusNotFound {
		return Project{}, false, nil
	}
	return p, err == nil, c.explain("Harbor project "+name, err)
}

// CreateProject makes a project, and tells whether it did: one that is there is
// left as it is.
func (c *Client) CreateProject(ctx context.Context, p NewProject) (bool, error) {
	err := c.call(ctx, http.MethodPost, []string{"projects"}, nil, p, nil)
	if statusOf(err) == http.StatusConflict {
		return false, nil
	}
	return err == nil, c.explain("make Harbor project "+p.Name, err)
}

// Selector chooses repositories or tags by a pattern, as ** or alpine*.
type Selector struct {
	Kind       string `json:"kind"`       // doublestar
	Decoration string `json:"decoration"` // matches, excludes, repoMatches, repoExcludes
	Pattern    string `json:"pattern"`
	Extras     string `json:"extras,omitempty"`
}

// Scope chooses the repositories that a rule is about.
type Scope struct {
	Repository []Selector `json:"repository"`
}

// ImmutableRule keeps tags from being moved and removed.
type ImmutableRule struct {
	ID       int64      `json:"id,omitempty"`
	Disabled bool       `json:"disabled"`
	Action   string     `json:"action"`   // immutable
	Template string     `json:"template"` // immutable_template
	Tags     []Selector `json:"tag_selectors"`
	Scope    Scope      `json:"scope_selectors"`
}

// NewImmutableRule gives the rule for the tags and repositories that the patterns
// match.
func NewImmutableRule(repositories, tags string) ImmutableRule {
	return ImmutableRule{
		Action: "immutable", Template: "immutable_template",
		Tags:  []Selector{{Kind: "doublestar", Decoration: "matches", Pattern: tags}},
		Scope: Scope{[]Selector{{Kind: "doublestar", Decoration: "repoMatches", Pattern: repositories}}},
	}
}

// ImmutableRules gives the rules of a project.
func (c *Client) ImmutableRules(ctx context.Context, project string) ([]ImmutableRule, error) {
	return pages[ImmutableRule](ctx, c, []string{"projects", project, "immutabletagrules"}, nil, "immutability rules of Harbor project "+project)
}

// CreateImmutableRule adds a rule to a project.
func (c *Client) CreateImmutableRule(ctx context.Context, project string, rule ImmutableRule) error {
	err := c.call(ctx, http.MethodPost, []string{"projects", project, "immutabletagrules"}, nil, rule, nil)
	return c.explain("add an immutability rule to Harbor project "+project, err)
}

// Retention is the policy by which Harbor removes what no rule retains.
type Retention struct {
	ID        int64           `json:"id,omitempty"`
	Algorithm string          `json:"algorithm"` // or
	Rules     []RetentionRule `json:"rules"`
	Trigger   Trigger         `json:"trigger"`
	Scope     RetentionScope  `json:"scope"`
}

// RetentionRule retains tags.
type RetentionRule struct {
	Disabled bool           `json:"disabled"`
	Action   string         `json:"action"`   // retain
	Template string         `json:"template"` // always, latestPushedK, nDaysSinceLastPush …
	Params   map[string]any `json:"params,omitempty"`
	Tags     []Selector     `json:"tag_selectors"`
	Scope    Scope          `json:"scope_selectors"`
}

// Trigger says when a policy runs.
type Trigger struct {
	Kind     string            `json:"kind"`               // Schedule
	Settings map[string]string `json:"settings,omitempty"` // cron, with seconds first; empty for never
}

// RetentionScope is the project that a policy is for.
type RetentionScope struct {
	Level string `json:"level"` // project
	Ref   int64  `json:"ref"`   // its id
}

// Retention gives the policy of a project, or nil where it has none.
func (c *Client) Retention(ctx context.Context, p Project) (*Retention, error) {
	if p.Metadata.RetentionID == "" {
		return nil, nil
	}
	var r Retention
	err := c.call(ctx, http.MethodGet, []string{"retentions", p.Metadata.RetentionID}, nil, nil, &r)
	if err != nil {
		return nil, c.explain("retention policy of Harbor project "+p.Name, err)
	}
	return &r, nil
}

// CreateRetention gives a project its policy. A project that has one is answered
// with an error: change that one.
func (c *Client) CreateRetention(ctx context.Context, r Retention) error {
	err := c.call(ctx, http.MethodPost, []string{"retentions"}, nil, r, nil)
	return c.explain("make the retention policy of Harbor project "+strconv.FormatInt(r.Scope.Ref, 10), err)
}

// DeleteTag removes a tag and leaves the content, and tells whether there was one.
func (c *Client) DeleteTag(ctx context.Context, project, repository, tag string) (bool, error) {
	// Slashes of a repository are escaped twice: proxies unescape once.
	path := []string{"projects", project, "repositories", strings.ReplaceAll(repository, "/", "%2F"), "artifacts", tag, "tags", tag}
	err := c.call(ctx, http.MethodDelete, path, nil, nil, nil)
	if statusOf(err) == http.StatusNotFound {
		return false, nil
	}
	return err == nil, c.explain("remove tag "+project+"/"+repository+":"+tag, err)
}

// pageSize is the most that Harbor gives at a time.
const pageSize = 100

// pages reads a list to its end.
func pages[T any](ctx context.Context, c *Client, path []string, query url.Values, what string) ([]T, error) {
	var all []T
	for page := 1; ; page++ {
		q := url.Values{"page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(pageSize)}}
		for k, v := range query {
			q[k] = v
		}
		var some []T
		if err := c.call(ctx, http.MethodGet, path, q, nil, &some); err != nil {
			return nil, c.explain(what, err)
		}
		all = append(all, some...)
		if len(some) < pageSize {
			return all, nil
		}
	}
}
