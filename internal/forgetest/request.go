package forgetest

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// exchange is one request to one forge's API, and its answer.
type exchange struct {
	s *Server
	w http.ResponseWriter
	r *http.Request
	// refuse writes an error as the forge does.
	refuse func(e *exchange, status int, message string)
}

// route is one method and path of an API.
type route struct {
	pattern string
	query   []string // parameters that it has
	handle  func(e *exchange)
}

// serve adds routes that check who asks and what, and hold the server's lock.
func (s *Server) serve(mux *http.ServeMux, repository func(r *http.Request) bool, refuse func(e *exchange, status int, message string), routes ...route) {
	for _, at := range routes {
		mux.HandleFunc(at.pattern, func(w http.ResponseWriter, r *http.Request) {
			e := &exchange{s: s, w: w, r: r, refuse: refuse}
			for name := range r.URL.Query() {
				if !slices.Contains(at.query, name) {
					s.misuse(r, "no such query parameter: %s", name)
					e.refuse(e, http.StatusBadRequest, "unknown parameter "+name)
					return
				}
			}
			switch known, reads := s.who(r); {
			case !known && (!s.Public || r.Method != http.MethodGet):
				e.refuse(e, http.StatusUnauthorized, "Authentication failed.")
			case reads && r.Method != http.MethodGet:
				e.refuse(e, http.StatusForbidden, "Your credentials lack one or more required privilege scopes.")
			case !repository(r):
				e.refuse(e, http.StatusNotFound, "Repository not found")
			default:
				s.mu.Lock()
				defer s.mu.Unlock()
				at.handle(e)
			}
		})
	}
}

// who tells whether the request's credentials are known, and whether they only
// allow reading.
func (s *Server) who(r *http.Request) (known, reads bool) {
	given := r.Header.Get("Private-Token")
	if user, password, ok := r.BasicAuth(); ok {
		if s.Username == "" || user != s.Username {
			return false, false
		}
		given = password
	} else if kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && (strings.EqualFold(kind, "Bearer") || kind == "token") {
		if given = token; s.Username != "" && !strings.HasPrefix(r.URL.Path, "/api/") {
			return false, false // an app password is no access token
		}
	}
	same := func(token string) bool { return subtle.ConstantTimeCompare([]byte(given), []byte(token)) == 1 }
	return same(s.Token) || same(s.ReadToken), same(s.ReadToken)
}

// read decodes the body into v and refuses fields that the API does not have.
func (e *exchange) read(v any) bool {
	if !strings.HasPrefix(e.r.Header.Get("Content-Type"), "application/json") {
		e.misused(http.StatusUnsupportedMediaType, "the body is not said to be JSON")
		return false
	}
	d := json.NewDecoder(e.r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		e.misused(http.StatusBadRequest, "the body: "+err.Error())
		return false
	}
	return true
}

// misused refuses what no client should send.
func (e *exchange) misused(status int, message string) {
	e.s.misuses = append(e.s.misuses, e.r.Method+" "+e.r.URL.String()+": "+message)
	e.refuse(e, status, message)
}

func (e *exchange) write(status int, v any) {
	e.w.Header().Set("Content-Type", "application/json;charset=utf-8")
	e.w.WriteHeader(status)
	_ = json.NewEncoder(e.w).Encode(v)
}

// pull is the pull request in the path; nil where it was refused.
func (e *exchange) pull() *pull {
	number, err := strconv.Atoi(e.r.PathValue("number"))
	if err == nil {
		if p := e.s.numbered(number); p != nil {
			return p
		}
	}
	e.refuse(e, http.StatusNotFound, "There is no pull request "+e.r.PathValue("number"))
	return nil
}

// ownNote is the comment in the path, if it is the robot's; nil where it was
// refused.
func (e *exchange) ownNote(p *pull) *note {
	id, _ := strconv.Atoi(e.r.PathValue("comment"))
	n := p.note(id)
	switch {
	case n == nil:
		e.refuse(e, http.StatusNotFound, "There is no comment "+e.r.PathValue("comment"))
		return nil
	case n.author != robot:
		e.refuse(e, http.StatusForbidden, "You cannot edit somebody else's comment")
		return nil
	}
	return n
}

// number is a query parameter that counts, within bounds.
func (e *exchange) number(name string, fallback, most int) (int, bool) {
	raw := e.r.URL.Query().Get(name)
	if raw == "" {
		return e.s.page(fallback), true
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 || n > most {
		e.misused(http.StatusBadRequest, "Invalid "+name)
		return 0, false
	}
	return e.s.page(n), true
}

// page is how long a page is that is asked to be n long.
func (s *Server) page(n int) int {
	if s.PageLength > 0 {
		return min(n, s.PageLength)
	}
	return n
}

// slice gives length items from start, and whether more follow.
func slice[T any](items []T, start, length int) ([]T, bool) {
	start = min(start, len(items))
	end := min(start+length, len(items))
	return items[start:end], end < len(items)
}
