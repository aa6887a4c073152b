package forgetest

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// Bitbucket Cloud, https://developer.atlassian.com/cloud/bitbucket/rest/

type object = map[string]any

func (s *Server) cloudRoutes(mux *http.ServeMux) {
	const root = "/2.0/repositories/{workspace}/{repository}/pullrequests"
	is := func(r *http.Request) bool { return s.is(r.PathValue("workspace"), r.PathValue("repository")) }
	lists := []string{"state", "q", "sort", "page", "pagelen"}
	s.serve(
		mux, is, refuseCloud,
		route{"GET " + root, lists, cloudList},
		route{"GET " + root + "/{$}", lists, cloudList}, // what Argo CD's client asks
		route{"POST " + root, nil, cloudCreate},
		route{"GET " + root + "/{number}", nil, cloudGet},
		route{"PUT " + root + "/{number}", nil, cloudUpdate},
		route{"POST " + root + "/{number}/decline", nil, cloudDecline},
		route{"GET " + root + "/{number}/comments", []string{"page", "pagelen"}, cloudComments},
		route{"POST " + root + "/{number}/comments", nil, cloudComment},
		route{"PUT " + root + "/{number}/comments/{comment}", nil, cloudChangeComment},
	)
}

func refuseCloud(e *exchange, status int, message string) {
	e.write(status, object{"type": "error", "error": object{"message": message}})
}

var cloudStates = map[string]string{"open": "OPEN", "merged": "MERGED", "closed": "DECLINED"}

// cloudQuery is what of BBQL the double understands.
var cloudQuery = regexp.MustCompile(`^source\.branch\.name ?= ?"((?:[^"\\]|\\.)*)" AND state ?= ?"OPEN"$`)

func cloudList(e *exchange) {
	query := e.r.URL.Query()
	wanted := query["state"]
	if len(wanted) == 0 {
		wanted = []string{"OPEN"}
	}
	branch := ""
	if q := query.Get("q"); q != "" {
		found := cloudQuery.FindStringSubmatch(q)
		if found == nil {
			e.misused(http.StatusBadRequest, "Invalid query: "+q)
			return
		}
		branch = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(found[1])
	}
	pulls := e.s.matching(func(p *pull) bool {
		return strings.Contains(" "+strings.Join(wanted, " ")+" ", " "+cloudStates[p.state]+" ") && (branch == "" || p.branch == branch)
	})
	cloudPage(e, pulls, 50, func(p *pull) any { return cloudPull(e, p) })
}

// cloudPage writes a page of items; most is the longest that one may ask for.
func cloudPage[T any](e *exchange, items []T, most int, show func(T) any) {
	length, ok := e.number("pagelen", 10, most)
	if !ok {
		return
	}
	page := 1
	if raw := e.r.URL.Query().Get("page"); raw != "" {
		if _, err := fmt.Sscan(raw, &page); err != nil || page < 1 {
			e.misused(http.StatusBadRequest, "Invalid page")
			return
		}
	}
	part, more := slice(items, (page-1)*length, length)
	values := []any{}
	for _, item := range part {
		values = append(values, show(item))
	}
	answer := object{"values": values, "page": page, "pagelen": length, "size": len(items)}
	if more {
		next := e.r.URL.Query()
		next.Set("page", fmt.Sprint(page+1))
		answer["next"] = e.s.base(e.r) + e.r.URL.Path + "?" + next.Encode()
	}
	e.write(http.StatusOK, answer)
}

func cloudPull(e *exchange, p *pull) object {
	full := e.s.Project + "/" + e.s.Repository
	from := full
	if p.fork {
		from = p.author + "/" + e.s.Repository
	}
	end := func(branch, commit, repository string) object {
		return object{
			"branch": object{"name": branch}, "commit": object{"type": "commit", "hash": commit[:min(12, len(commit))]},
			"repository": object{"type": "repository", "full_name": repository, "name": e.s.Repository},
		}
	}
	return object{
		"type": "pullrequest", "id": p.number, "title": p.title, "description": p.description, "state": cloudStates[p.state],
		"source": end(p.branch, e.s.headOf(p), from), "destination": end(p.target, e.s.branches[p.target], full),
		"author":     object{"type": "user", "nickname": p.author, "display_name": p.author, "uuid": "{" + p.author + "}"},
		"updated_on": p.updated.Format("2006-01-02T15:04:05.000000-07:00"), "comment_count": len(p.comments), "close_source_branch": false,
		"links": object{"html": object{"href": fmt.Sprintf("%s/%s/pull-requests/%d", e.s.base(e.r), full, p.number)}},
	}
}

func cloudGet(e *exchange) {
	if p := e.pull(); p != nil {
		e.write(http.StatusOK, cloudPull(e, p))
	}
}

type cloudEnd struct {
	Branch struct {
		Name string `json:"name"`
	} `json:"branch"`
	Repository *struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
}

type cloudBody struct {
	Title       *string   `json:"title"`
	Description *string   `json:"description"`
	Source      *cloudEnd `json:"source"`
	Destination *cloudEnd `json:"destination"`
	Reviewers   []any     `json:"reviewers"`
	CloseSource bool      `json:"close_source_branch"`
}

// cloudCreate makes no second pull request of a branch: the real one gives the one
// that is open, with the new title.
func cloudCreate(e *exchange) {
	var b cloudBody
	if !e.read(&b) {
		return
	}
	target := "main"
	if b.Destination != nil && b.Destination.Branch.Name != "" {
		target = b.Destination.Branch.Name
	}
	switch {
	case b.Title == nil || *b.Title == "":
		e.refuse(e, http.StatusBadRequest, "title: This field is required.")
	case b.Source == nil || b.Source.Branch.Name == "":
		e.refuse(e, http.StatusBadRequest, "source: This field is required.")
	case e.s.branches[b.Source.Branch.Name] == "":
		e.refuse(e, http.StatusBadRequest, "source: branch not found: "+b.Source.Branch.Name)
	case e.s.branches[target] == "":
		e.refuse(e, http.StatusBadRequest, "destination: branch not found: "+target)
	case e.s.branches[target] == e.s.branches[b.Source.Branch.Name]:
		e.refuse(e, http.StatusBadRequest, "There are no changes to be pulled")
	default:
		p := e.s.twin(b.Source.Branch.Name, target)
		if p == nil {
			p = e.s.add(pull{branch: b.Source.Branch.Name, target: target, author: robot})
		}
		p.set(b.Title, b.Description)
		e.write(http.StatusCreated, cloudPull(e, p))
	}
}

func (p *pull) set(title, description *string) {
	if title != nil {
		p.title = *title
	}
	if description != nil {
		p.description = *description
	}
	p.version++
}

func cloudUpdate(e *exchange) {
	var b cloudBody
	p := e.pull()
	switch {
	case p == nil || !e.read(&b):
	case p.state != "open":
		e.refuse(e, http.StatusBadRequest, "Only open pull requests can be mutated")
	case b.Title == nil || *b.Title == "":
		e.refuse(e, http.StatusBadRequest, "title: This field is required.")
	default:
		p.set(b.Title, b.Description)
		e.write(http.StatusOK, cloudPull(e, p))
	}
}

func cloudDecline(e *exchange) {
	switch p := e.pull(); {
	case p == nil:
	case p.state != "open":
		e.refuse(e, http.StatusBadRequest, "This pull request is already closed.")
	default:
		e.s.finish(p, "closed")
		e.write(http.StatusOK, cloudPull(e, p))
	}
}

func cloudNote(n *note) any {
	return object{
		"type": "pullrequest_comment", "id": n.id, "deleted": n.deleted, "user": object{"nickname": n.author},
		"content": object{"type": "rendered", "raw": n.text, "markup": "markdown"},
	}
}

func cloudComments(e *exchange) {
	if p := e.pull(); p != nil {
		cloudPage(e, p.comments, 100, cloudNote)
	}
}

type cloudNoteBody struct {
	Content struct {
		Raw string `json:"raw"`
	} `json:"content"`
}

func cloudComment(e *exchange) {
	var b cloudNoteBody
	switch p := e.pull(); {
	case p == nil || !e.read(&b):
	case b.Content.Raw == "":
		e.refuse(e, http.StatusBadRequest, "content: This field is required.")
	default:
		e.write(http.StatusCreated, cloudNote(e.s.comment(p, b.Content.Raw, robot)))
	}
}

func cloudChangeComment(e *exchange) {
	var b cloudNoteBody
	p := e.pull()
	if p == nil || !e.read(&b) {
		return
	}
	if n := e.ownNote(p); n != nil {
		n.text = b.Content.Raw
		e.write(http.StatusOK, cloudNote(n))
	}
}
