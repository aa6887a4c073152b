package forgetest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// GitHub, https://docs.github.com/rest, at Enterprise Server's path

func (s *Server) gitHubRoutes(mux *http.ServeMux) {
	const root = "/api/v3/repos/{owner}/{repository}"
	is := func(r *http.Request) bool { return s.is(r.PathValue("owner"), r.PathValue("repository")) }
	s.serve(
		mux, is, refuseGitHub,
		route{"GET " + root + "/pulls", []string{"state", "head", "base", "sort", "direction", "page", "per_page"}, gitHubList},
		route{"POST " + root + "/pulls", nil, gitHubCreate},
		route{"GET " + root + "/pulls/{number}", nil, gitHubGet},
		route{"PATCH " + root + "/pulls/{number}", nil, gitHubUpdate},
		route{"GET " + root + "/issues/{number}/comments", []string{"since", "page", "per_page"}, gitHubComments},
		route{"POST " + root + "/issues/{number}/comments", nil, textComment},
		route{"PATCH " + root + "/issues/comments/{comment}", nil, gitHubChangeComment},
	)
}

func refuseGitHub(e *exchange, status int, message string) {
	if status == http.StatusUnauthorized {
		message = "Bad credentials"
	}
	e.write(status, object{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)})
}

// gitHubInvalid is the answer to what cannot be a pull request.
func gitHubInvalid(e *exchange, message string) {
	e.write(http.StatusUnprocessableEntity, object{
		"message": "Validation Failed", "status": "422",
		"errors": []any{object{"resource": "PullRequest", "code": "custom", "message": message}},
	})
}

func gitHubList(e *exchange) {
	query := e.r.URL.Query()
	state := query.Get("state")
	if state == "" {
		state = "open"
	}
	owner, branch, filtered := strings.Cut(query.Get("head"), ":")
	pulls := e.s.matching(func(p *pull) bool {
		return (state == "all" || (state == "open") == (p.state == "open")) &&
			(!filtered || p.branch == branch && strings.EqualFold(owner, gitHubOwner(e, p)))
	})
	linkedPage(e, pulls, 30, func(p *pull) any { return gitHubPull(e, p) })
}

func gitHubOwner(e *exchange, p *pull) string {
	if p.fork {
		return p.author
	}
	return e.s.Project
}

// linkedPage writes a page, and where the others are in its header, as GitHub and
// GitLab do. More than 100 items are not given.
func linkedPage[T any](e *exchange, items []T, usual int, show func(T) any) {
	length, ok := e.number("per_page", usual, 1<<20)
	if !ok {
		return
	}
	length = min(length, 100)
	page := 1
	if raw := e.r.URL.Query().Get("page"); raw != "" {
		if _, err := fmt.Sscan(raw, &page); err != nil || page < 1 {
			e.misused(http.StatusBadRequest, "Invalid page")
			return
		}
	}
	part, more := slice(items, (page-1)*length, length)
	if more {
		next := e.r.URL.Query()
		next.Set("page", strconv.Itoa(page+1))
		e.w.Header().Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next", <%s%s>; rel="first"`,
			e.s.base(e.r), e.r.URL.EscapedPath(), next.Encode(), e.s.base(e.r), e.r.URL.EscapedPath()))
		e.w.Header().Set("X-Next-Page", strconv.Itoa(page+1)) // GitLab's
	}
	values := []any{}
	for _, item := range part {
		values = append(values, show(item))
	}
	e.write(http.StatusOK, values)
}

func gitHubPull(e *exchange, p *pull) object {
	state, merged := "open", any(nil)
	if p.state != "open" {
		state = "closed"
	}
	if p.state == "merged" {
		merged = "2026-02-03T04:05:06Z"
	}
	return object{
		"id": 9000 + p.number, "number": p.number, "title": p.title, "body": p.description, "state": state, "merged_at": merged,
		"html_url": fmt.Sprintf("%s/%s/%s/pull/%d", e.s.base(e.r), e.s.Project, e.s.Repository, p.number),
		"user":     object{"login": p.author}, "labels": []any{}, "draft": false, "updated_at": p.updated.Format(time.RFC3339Nano),
		"head": object{"ref": p.branch, "sha": e.s.headOf(p), "repo": object{"full_name": gitHubOwner(e, p) + "/" + e.s.Repository}},
		"base": object{"ref": p.target, "sha": e.s.branches[p.target], "repo": object{"full_name": e.s.Project + "/" + e.s.Repository}},
	}
}

func gitHubGet(e *exchange) {
	if p := e.pull(); p != nil {
		e.write(http.StatusOK, gitHubPull(e, p))
	}
}

type gitHubBody struct {
	Title *string `json:"title"`
	Body  *string `json:"body"`
	Head  string  `json:"head"`
	Base  string  `json:"base"`
	State string  `json:"state"`
}

func gitHubCreate(e *exchange) {
	var b gitHubBody
	if !e.read(&b) {
		return
	}
	branch := strings.TrimPrefix(b.Head, e.s.Project+":")
	switch {
	case b.Title == nil || *b.Title == "" || branch == "" || b.Base == "" || b.State != "":
		e.misused(http.StatusUnprocessableEntity, "title, head and base are required")
	case e.s.branches[branch] == "" || e.s.branches[b.Base] == "":
		gitHubInvalid(e, "head or base is invalid")
	case e.s.branches[branch] == e.s.branches[b.Base]:
		gitHubInvalid(e, "No commits between "+b.Base+" and "+branch)
	case e.s.twin(branch, b.Base) != nil:
		gitHubInvalid(e, "A pull request already exists for "+e.s.Project+":"+branch+".")
	default:
		p := e.s.add(pull{branch: branch, target: b.Base, author: robot})
		p.set(b.Title, b.Body)
		e.write(http.StatusCreated, gitHubPull(e, p))
	}
}

func gitHubUpdate(e *exchange) {
	var b gitHubBody
	p := e.pull()
	switch {
	case p == nil || !e.read(&b):
	case b.Head != "" || b.State != "" && b.State != "open" && b.State != "closed":
		e.misused(http.StatusUnprocessableEntity, "no such change")
	default:
		p.set(b.Title, b.Body)
		if b.State == "closed" && p.state == "open" {
			e.s.finish(p, "closed")
		}
		e.write(http.StatusOK, gitHubPull(e, p))
	}
}

func textNote(n *note) any {
	return object{"id": n.id, "body": n.text, "user": object{"login": n.author}, "author": object{"username": n.author}, "system": false}
}

func gitHubComments(e *exchange) {
	if p := e.pull(); p != nil {
		linkedPage(e, p.comments, 30, textNote)
	}
}

type textBody struct {
	Body string `json:"body"`
}

// textComment serves GitHub and GitLab.
func textComment(e *exchange) {
	var b textBody
	switch p := e.pull(); {
	case p == nil || !e.read(&b):
	case b.Body == "":
		e.refuse(e, http.StatusBadRequest, "body is missing")
	default:
		e.write(http.StatusCreated, textNote(e.s.comment(p, b.Body, robot)))
	}
}

func gitHubChangeComment(e *exchange) {
	id, _ := strconv.Atoi(e.r.PathValue("comment"))
	for _, p := range e.s.pulls {
		if p.note(id) != nil {
			changeText(e, p)
			return
		}
	}
	e.refuse(e, http.StatusNotFound, "Not Found")
}

func changeText(e *exchange, p *pull) {
	var b textBody
	if !e.read(&b) {
		return
	}
	if n := e.ownNote(p); n != nil {
		n.text = b.Body
		e.write(http.StatusOK, textNote(n))
	}
}
