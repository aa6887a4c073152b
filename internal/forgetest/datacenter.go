package forgetest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Bitbucket Data Center, https://developer.atlassian.com/server/bitbucket/rest/

func (s *Server) dataCenterRoutes(mux *http.ServeMux) {
	is := func(r *http.Request) bool { return s.is(r.PathValue("project"), r.PathValue("repository")) }
	for _, version := range []string{"1.0", "latest"} {
		root := "/rest/api/" + version + "/projects/{project}/repos/{repository}/pull-requests"
		s.serve(
			mux, is, refuseDataCenter,
			route{"GET " + root, []string{"state", "direction", "at", "order", "start", "limit", "withAttributes", "withProperties"}, dcList},
			route{"POST " + root, nil, dcCreate},
			route{"GET " + root + "/{number}", nil, dcGet},
			route{"PUT " + root + "/{number}", nil, dcUpdate},
			route{"POST " + root + "/{number}/decline", []string{"version"}, dcDecline},
			route{"GET " + root + "/{number}/activities", []string{"start", "limit"}, dcActivities},
			route{"POST " + root + "/{number}/comments", nil, dcComment},
			route{"PUT " + root + "/{number}/comments/{comment}", nil, dcChangeComment},
		)
	}
}

func refuseDataCenter(e *exchange, status int, message string) { dcRefuse(e, status, message, "") }

func dcRefuse(e *exchange, status int, message, exception string) {
	e.write(status, object{"errors": []any{object{"context": nil, "message": message, "exceptionName": "com.atlassian.bitbucket." + exception}}})
}

var dcStates = map[string]string{"open": "OPEN", "merged": "MERGED", "closed": "DECLINED"}

func dcList(e *exchange) {
	query := e.r.URL.Query()
	state := query.Get("state")
	if state == "" {
		state = "OPEN"
	}
	direction, at := query.Get("direction"), query.Get("at")
	switch {
	case !slices.Contains([]string{"OPEN", "MERGED", "DECLINED", "ALL"}, state):
		e.misused(http.StatusBadRequest, "Invalid state "+state)
		return
	case at != "" && !strings.HasPrefix(at, "refs/"):
		e.misused(http.StatusBadRequest, "at must be a fully-qualified branch name")
		return
	}
	pulls := e.s.matching(func(p *pull) bool {
		end := p.target
		if direction == "OUTGOING" {
			end = p.branch
		}
		return (state == "ALL" || state == dcStates[p.state]) && (at == "" || at == heads+end) && (direction != "OUTGOING" || !p.fork)
	})
	dcPage(e, pulls, func(p *pull) any { return dcPull(e, p) })
}

const heads = "refs/heads/"

func dcPage[T any](e *exchange, items []T, show func(T) any) {
	length, ok := e.number("limit", 25, 1000)
	if !ok {
		return
	}
	start, err := strconv.Atoi(e.r.URL.Query().Get("start"))
	if err != nil && e.r.URL.Query().Get("start") != "" {
		e.misused(http.StatusBadRequest, "Invalid start")
		return
	}
	part, more := slice(items, start, length)
	values := []any{}
	for _, item := range part {
		values = append(values, show(item))
	}
	answer := object{"values": values, "size": len(values), "limit": length, "start": start, "isLastPage": !more, "nextPageStart": nil}
	if more {
		answer["nextPageStart"] = start + length
	}
	e.write(http.StatusOK, answer)
}

func dcPull(e *exchange, p *pull) object {
	key := strings.ToUpper(e.s.Project)
	repository := func(key string) object {
		return object{"slug": e.s.Repository, "id": 1, "project": object{"key": key, "id": 1}}
	}
	from := repository(key)
	if p.fork {
		from = repository("~" + strings.ToUpper(p.author))
	}
	return object{
		"id": p.number, "version": p.version, "title": p.title, "description": p.description,
		"state": dcStates[p.state], "open": p.state == "open", "updatedDate": p.updated.UnixMilli(), "closed": p.state != "open", "locked": false,
		"fromRef":   object{"id": heads + p.branch, "displayId": p.branch, "latestCommit": e.s.headOf(p), "repository": from},
		"toRef":     object{"id": heads + p.target, "displayId": p.target, "latestCommit": e.s.branches[p.target], "repository": repository(key)},
		"author":    object{"user": object{"name": p.author, "slug": p.author, "displayName": p.author}, "role": "AUTHOR", "approved": false},
		"reviewers": append([]any{}, p.reviewers...), "participants": []any{},
		"links": object{"self": []any{object{"href": fmt.Sprintf("%s/projects/%s/repos/%s/pull-requests/%d", e.s.base(e.r), key, e.s.Repository, p.number)}}},
	}
}

func dcGet(e *exchange) {
	if p := e.pull(); p != nil {
		e.write(http.StatusOK, dcPull(e, p))
	}
}

type dcRef struct {
	ID         string `json:"id"`
	Repository *struct {
		Slug    string `json:"slug"`
		Project struct {
			Key string `json:"key"`
		} `json:"project"`
	} `json:"repository"`
}

type dcBody struct {
	Version     *int    `json:"version"`
	Title       *string `json:"title"`
	Description *string `json:"description"`
	FromRef     *dcRef  `json:"fromRef"`
	ToRef       *dcRef  `json:"toRef"`
	Reviewers   []any   `json:"reviewers"`
}

func dcCreate(e *exchange) {
	var b dcBody
	switch {
	case !e.read(&b):
		return
	case b.Title == nil || *b.Title == "" || b.FromRef == nil || b.ToRef == nil:
		e.misused(http.StatusBadRequest, "title, fromRef and toRef are required")
		return
	}
	from, ok := strings.CutPrefix(b.FromRef.ID, heads)
	to, ok2 := strings.CutPrefix(b.ToRef.ID, heads)
	switch {
	case !ok || !ok2 || b.FromRef.Repository == nil || b.ToRef.Repository == nil || !e.s.is(b.FromRef.Repository.Project.Key, b.FromRef.Repository.Slug):
		e.misused(http.StatusBadRequest, "both refs need a qualified id and a repository")
	case e.s.branches[from] == "" || e.s.branches[to] == "":
		dcRefuse(e, http.StatusNotFound, "Repository has no such branch", "commit.NoSuchBranchException")
	case e.s.branches[from] == e.s.branches[to]:
		dcRefuse(e, http.StatusConflict, "The branch is already up-to-date", "pull.EmptyPullRequestException")
	case e.s.twin(from, to) != nil:
		dcRefuse(e, http.StatusConflict, "Only one pull request may be open for a given source and target branch", "pull.DuplicatePullRequestException")
	default:
		p := e.s.add(pull{branch: from, target: to, author: robot, reviewers: b.Reviewers})
		p.set(b.Title, b.Description)
		p.version = 0
		e.write(http.StatusCreated, dcPull(e, p))
	}
}

// dcUpdate takes off the reviewers that are left out, as the real one does.
func dcUpdate(e *exchange) {
	var b dcBody
	p := e.pull()
	switch {
	case p == nil || !e.read(&b):
	case b.Version == nil:
		e.misused(http.StatusBadRequest, "version is required")
	case dcStale(e, p, *b.Version):
	default:
		p.set(b.Title, b.Description)
		p.reviewers = b.Reviewers
		e.write(http.StatusOK, dcPull(e, p))
	}
}

// dcStale refuses a change of a pull request that is another by now.
func dcStale(e *exchange, p *pull, version int) bool {
	switch {
	case p.version != version:
		dcRefuse(e, http.StatusConflict, "You are attempting to modify a pull request based on out-of-date information.", "pull.PullRequestOutOfDateException")
	case p.state != "open":
		dcRefuse(e, http.StatusConflict, "This pull request is not open", "pull.IllegalPullRequestStateException")
	default:
		return false
	}
	return true
}

func dcDecline(e *exchange) {
	version, err := strconv.Atoi(e.r.URL.Query().Get("version"))
	p := e.pull()
	switch {
	case p == nil:
	case err != nil:
		e.misused(http.StatusBadRequest, "version is required")
	case e.r.Header.Get("Content-Type") == "" && e.r.Header.Get("X-Atlassian-Token") != "no-check":
		dcRefuse(e, http.StatusForbidden, "XSRF check failed", "")
	case dcStale(e, p, version):
	default:
		e.s.finish(p, "closed")
		e.write(http.StatusOK, dcPull(e, p))
	}
}

func dcNote(n *note) object {
	return object{"id": n.id, "version": n.version, "text": n.text, "author": object{"name": n.author}}
}

// dcActivities are the comments, newest first, and the opening.
func dcActivities(e *exchange) {
	p := e.pull()
	if p == nil {
		return
	}
	activities := []any{object{"id": p.number, "action": "OPENED"}}
	for _, n := range p.comments {
		activities = append(activities, object{"id": 5000 + n.id, "action": "COMMENTED", "commentAction": "ADDED", "comment": dcNote(n)})
	}
	slices.Reverse(activities)
	dcPage(e, activities, func(a any) any { return a })
}

type dcNoteBody struct {
	Text    string `json:"text"`
	Version *int   `json:"version"`
}

func dcComment(e *exchange) {
	var b dcNoteBody
	switch p := e.pull(); {
	case p == nil || !e.read(&b):
	case b.Text == "":
		e.refuse(e, http.StatusBadRequest, "text is required")
	default:
		e.write(http.StatusCreated, dcNote(e.s.comment(p, b.Text, robot)))
	}
}

func dcChangeComment(e *exchange) {
	var b dcNoteBody
	p := e.pull()
	if p == nil || !e.read(&b) {
		return
	}
	switch n := e.ownNote(p); {
	case n == nil:
	case b.Version == nil || *b.Version != n.version:
		dcRefuse(e, http.StatusConflict, "The comment was changed meanwhile", "comment.CommentOutOfDateException")
	default:
		n.text, n.version = b.Text, n.version+1
		e.write(http.StatusOK, dcNote(n))
	}
}
