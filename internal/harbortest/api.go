package harbortest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pave-platform/pave/internal/harbor"
)

// api answers a request of the API; path is escaped.
func (h *Harbor) api(w http.ResponseWriter, r *http.Request, path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, r.Method+" "+path)
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		once, err := url.PathUnescape(p)
		if err != nil {
			refuse(w, http.StatusBadRequest, "BAD_REQUEST", err.Error())
			return
		}
		parts[i] = once
	}
	at := func(method string, pattern ...string) bool {
		if r.Method != method || len(parts) != len(pattern) {
			return false
		}
		for i, p := range pattern {
			if p != "*" && p != parts[i] {
				return false
			}
		}
		return true
	}
	switch {
	case at(http.MethodPost, "projects"):
		h.createProject(w, r)
	case at(http.MethodGet, "projects", "*"):
		h.withProject(w, r, parts[1], func(p *Project) { answer(w, http.StatusOK, p.Project) })
	case at(http.MethodGet, "projects", "*", "immutabletagrules"):
		h.withProject(w, r, parts[1], func(p *Project) { page(w, r, p.Immutable) })
	case at(http.MethodPost, "projects", "*", "immutabletagrules"):
		h.withProject(w, r, parts[1], func(p *Project) { h.addRule(w, r, p) })
	case at(http.MethodDelete, "projects", "*", "repositories", "*", "artifacts", "*", "tags", "*"):
		h.withProject(w, r, parts[1], func(p *Project) { h.deleteTag(w, p, parts[3], parts[5], parts[7]) })
	case at(http.MethodPost, "retentions"):
		h.createRetention(w, r)
	case at(http.MethodGet, "retentions", "*"):
		h.retention(w, parts[1])
	case at(http.MethodGet, "robots"):
		h.listRobots(w, r)
	case at(http.MethodPost, "robots"):
		h.createRobot(w, r)
	case at(http.MethodDelete, "robots", "*"):
		h.deleteRobot(w, parts[1])
	default:
		h.t.Errorf("Harbor's double: %s %s is not in its API", r.Method, path)
		refuse(w, http.StatusNotFound, "NOT_FOUND", "path not found")
	}
}

// projectName is what Harbor takes.
var projectName = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

func (h *Harbor) createProject(w http.ResponseWriter, r *http.Request) {
	var p harbor.NewProject
	if !h.read(w, r, &p) {
		return
	}
	switch {
	case !projectName.MatchString(p.Name) || len(p.Name) > 255:
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "project name is not in lower case or holds characters that are not allowed")
	case h.find(p.Name) != nil:
		refuse(w, http.StatusConflict, "CONFLICT", "The project named "+p.Name+" already exists")
	default:
		made := h.add(p)
		created(w, fmt.Sprintf("/api/v2.0/projects/%d", made.ID))
	}
}

// withProject finds a project by its name, or by its id where the header does not
// say that it is a name.
func (h *Harbor) withProject(w http.ResponseWriter, r *http.Request, nameOrID string, do func(*Project)) {
	byName := r.Header.Get("X-Is-Resource-Name") == "true"
	for _, p := range h.projects {
		if p.Name == nameOrID || !byName && strconv.FormatInt(p.ID, 10) == nameOrID {
			do(p)
			return
		}
	}
	refuse(w, http.StatusNotFound, "NOT_FOUND", "project "+nameOrID+" not found")
}

func (h *Harbor) addRule(w http.ResponseWriter, r *http.Request, p *Project) {
	var rule harbor.ImmutableRule
	if !h.read(w, r, &rule) {
		return
	}
	if rule.Action != "immutable" || rule.Template != "immutable_template" || !valid(rule.Tags, "matches", "excludes") || !valid(rule.Scope.Repository, "repoMatches", "repoExcludes") {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "immutable tag rule is not valid")
		return
	}
	rule.ID = h.id()
	p.Immutable = append(p.Immutable, rule)
	created(w, fmt.Sprintf("/api/v2.0/projects/%d/immutabletagrules/%d", p.ID, rule.ID))
}

func valid(selectors []harbor.Selector, decorations ...string) bool {
	return len(selectors) > 0 && !slices.ContainsFunc(selectors, func(s harbor.Selector) bool {
		return s.Kind != "doublestar" || s.Pattern == "" || !slices.Contains(decorations, s.Decoration)
	})
}

// deleteTag asks the registry behind: its store is the truth.
func (h *Harbor) deleteTag(w http.ResponseWriter, p *Project, repository, reference, tag string) {
	repository, err := url.PathUnescape(repository) // it is escaped twice
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", err.Error())
		return
	case reference != tag && !strings.HasPrefix(reference, "sha256:"):
		refuse(w, http.StatusNotFound, "NOT_FOUND", "artifact "+reference+" not found")
		return
	case p.keeps("/manifests/" + tag):
		refuse(w, http.StatusPreconditionFailed, "PRECONDITION", "the tag is configured as immutable, cannot be deleted")
		return
	}
	path := fmt.Sprintf("/v2/%s/%s/manifests/%s", p.Name, repository, tag)
	behind := httptest.NewRecorder()
	h.registry.ServeHTTP(behind, httptest.NewRequest(http.MethodDelete, path, nil))
	if behind.Code == http.StatusNotFound {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "tag "+tag+" not found")
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (h *Harbor) createRetention(w http.ResponseWriter, r *http.Request) {
	var policy harbor.Retention
	if !h.read(w, r, &policy) {
		return
	}
	i := slices.IndexFunc(h.projects, func(p *Project) bool { return p.ID == policy.Scope.Ref })
	switch {
	case policy.Algorithm != "or" || policy.Scope.Level != "project" || i < 0 || policy.Trigger.Kind != "Schedule":
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "retention policy is not valid")
		return
	case h.projects[i].Metadata.RetentionID != "":
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "project already has retention policy "+h.projects[i].Metadata.RetentionID)
		return
	}
	for _, rule := range policy.Rules {
		if rule.Action != "retain" || !valid(rule.Tags, "matches", "excludes") || !valid(rule.Scope.Repository, "repoMatches", "repoExcludes") {
			refuse(w, http.StatusBadRequest, "BAD_REQUEST", "retention rule is not valid")
			return
		}
	}
	policy.ID = h.id()
	h.retentions[policy.ID] = &policy
	h.projects[i].Metadata.RetentionID = strconv.FormatInt(policy.ID, 10)
	created(w, fmt.Sprintf("/api/v2.0/retentions/%d", policy.ID))
}

func (h *Harbor) retention(w http.ResponseWriter, id string) {
	n, err := strconv.ParseInt(id, 10, 64)
	if policy, there := h.retentions[n]; err == nil && there {
		answer(w, http.StatusOK, policy)
		return
	}
	refuse(w, http.StatusNotFound, "NOT_FOUND", "retention policy "+id+" not found")
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func created(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusCreated)
}

// page answers with a part of a list, as page and page_size say.
func page[T any](w http.ResponseWriter, r *http.Request, all []T) {
	number, size := 1, 10
	for name, into := range map[string]*int{"page": &number, "page_size": &size} {
		if v := r.URL.Query().Get(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 || name == "page_size" && n > 100 {
				refuse(w, http.StatusUnprocessableEntity, "BAD_REQUEST", name+" is not valid")
				return
			}
			*into = n
		}
	}
	from := min((number-1)*size, len(all))
	w.Header().Set("X-Total-Count", strconv.Itoa(len(all)))
	answer(w, http.StatusOK, append([]T{}, all[from:min(from+size, len(all))]...))
}
