package forgetest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// GitLab, https://docs.gitlab.com/api/

func (s *Server) gitLabRoutes(mux *http.ServeMux) {
	const root = "/api/v4/projects/{project}/merge_requests"
	is := func(r *http.Request) bool {
		at := strings.LastIndex(r.PathValue("project"), "/") // escaped in the path
		return at > 0 && s.is(r.PathValue("project")[:at], r.PathValue("project")[at+1:])
	}
	s.serve(
		mux, is, refuseGitLab,
		route{"GET " + root, []string{"state", "source_branch", "target_branch", "labels", "page", "per_page", "order_by", "sort"}, gitLabList},
		route{"POST " + root, nil, gitLabCreate},
		route{"GET " + root + "/{number}", nil, gitLabGet},
		route{"PUT " + root + "/{number}", nil, gitLabUpdate},
		route{"GET " + root + "/{number}/notes", []string{"page", "per_page", "order_by", "sort"}, gitLabNotes},
		route{"POST " + root + "/{number}/notes", nil, textComment},
		route{"PUT " + root + "/{number}/notes/{comment}", nil, gitLabChangeNote},
	)
}

func refuseGitLab(e *exchange, status int, message string) {
	e.write(status, object{"message": fmt.Sprintf("%d %s", status, message)})
}

var gitLabStates = map[string]string{"open": "opened", "merged": "merged", "closed": "closed"}

func gitLabList(e *exchange) {
	query := e.r.URL.Query()
	state := query.Get("state")
	if !slices.Contains([]string{"", "all", "opened", "closed", "merged", "locked"}, state) {
		e.misused(http.StatusBadRequest, "state does not have a valid value")
		return
	}
	branch, target := query.Get("source_branch"), query.Get("target_branch")
	pulls := e.s.matching(func(p *pull) bool {
		return (state == "" || state == "all" || state == gitLabStates[p.state]) && (branch == "" || branch == p.branch) && (target == "" || target == p.target)
	})
	linkedPage(e, pulls, 20, func(p *pull) any { return gitLabPull(e, p) })
}

func gitLabPull(e *exchange, p *pull) object {
	const own = 77
	source := own
	if p.fork {
		source = 78
	}
	return object{
		"id": 9000 + p.number, "iid": p.number, "project_id": own, "source_project_id": source, "target_project_id": own,
		"title": p.title, "description": p.description, "state": gitLabStates[p.state],
		"source_branch": p.branch, "target_branch": p.target, "sha": e.s.headOf(p),
		"author": object{"id": 1, "username": p.author, "name": p.author}, "labels": []any{}, "draft": false, "updated_at": p.updated.Format(time.RFC3339Nano),
		"web_url": fmt.Sprintf("%s/%s/%s/-/merge_requests/%d", e.s.base(e.r), e.s.Project, e.s.Repository, p.number),
	}
}

func gitLabGet(e *exchange) {
	if p := e.pull(); p != nil {
		e.write(http.StatusOK, gitLabPull(e, p))
	}
}

type gitLabBody struct {
	Title       *string `json:"title"`
	Description *string `json:"description"`
	Source      string  `json:"source_branch"`
	Target      string  `json:"target_branch"`
	StateEvent  string  `json:"state_event"`
}

// gitLabInvalid is the answer to what GitLab's model refuses.
func gitLabInvalid(e *exchange, status int, message string) {
	e.write(status, object{"message": []any{message}})
}

func gitLabCreate(e *exchange) {
	var b gitLabBody
	if !e.read(&b) {
		return
	}
	switch twin := e.s.twin(b.Source, b.Target); {
	case b.Title == nil || *b.Title == "" || b.Source == "" || b.Target == "" || b.StateEvent != "":
		e.misused(http.StatusBadRequest, "title, source_branch and target_branch are required")
	case e.s.branches[b.Source] == "" || e.s.branches[b.Target] == "":
		gitLabInvalid(e, http.StatusBadRequest, fmt.Sprintf("Source branch %q or target branch %q does not exist", b.Source, b.Target))
	case twin != nil:
		gitLabInvalid(e, http.StatusConflict, fmt.Sprintf("Another open merge request already exists for this source branch: !%d", twin.number))
	default:
		p := e.s.add(pull{branch: b.Source, target: b.Target, author: robot})
		p.set(b.Title, b.Description)
		e.write(http.StatusCreated, gitLabPull(e, p))
	}
}

func gitLabUpdate(e *exchange) {
	var b gitLabBody
	p := e.pull()
	switch {
	case p == nil || !e.read(&b):
	case b.Source != "" || b.StateEvent != "" && b.StateEvent != "close" && b.StateEvent != "reopen":
		e.misused(http.StatusBadRequest, "no such change")
	default:
		p.set(b.Title, b.Description)
		if b.StateEvent == "close" && p.state == "open" {
			e.s.finish(p, "closed")
		}
		e.write(http.StatusOK, gitLabPull(e, p))
	}
}

// gitLabNotes are newest first.
func gitLabNotes(e *exchange) {
	if p := e.pull(); p != nil {
		notes := slices.Clone(p.comments)
		slices.Reverse(notes)
		linkedPage(e, notes, 20, textNote)
	}
}

func gitLabChangeNote(e *exchange) {
	if p := e.pull(); p != nil {
		changeText(e, p)
	}
}
