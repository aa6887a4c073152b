package forgetest

import (
	"sort"
	"time"
)

// pull is a pull request, on whichever forge.
type pull struct {
	number, version    int
	title, description string
	branch, target     string
	author, state      string // open, merged, closed
	fork               bool
	head               string // of a fork's branch, and of a pull request that is not open any more
	reviewers          []any
	comments           []*note
	updated            time.Time
}

// note is a comment.
type note struct {
	id, version  int
	text, author string
	deleted      bool
}

// robot is who the token belongs to.
const robot = "robot"

// Open opens a pull request to main as a person would, and gives its number. The
// branch is made if need be.
func (s *Server) Open(branch, title string) int {
	return s.open(pull{branch: branch, target: "main", title: title, author: "jane"})
}

// OpenFork opens one whose branch, at commit, is in somebody else's fork.
func (s *Server) OpenFork(branch, title, commit string) int {
	return s.open(pull{branch: branch, target: "main", title: title, author: "mallory", fork: true, head: commit})
}

func (s *Server) open(p pull) int {
	if !p.fork && s.Head(p.branch) == "" {
		s.Push(p.branch)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(p).number
}

func (s *Server) add(p pull) *pull {
	p.number, p.state, p.updated = len(s.pulls)+1, "open", now()
	s.pulls = append(s.pulls, &p)
	return &p
}

// Head is a branch's commit; empty for none.
func (s *Server) Head(branch string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.branches[branch]
}

// Merge merges a pull request.
func (s *Server) Merge(number int) { s.end(number, "merged") }

// Decline closes one without merging it.
func (s *Server) Decline(number int) { s.end(number, "closed") }

func (s *Server) end(number int, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish(s.pulls[number-1], state)
}

func (s *Server) finish(p *pull, state string) {
	p.head, p.state = s.headOf(p), state
	p.version++
}

// Updated sets when a pull request was last changed.
func (s *Server) Updated(number int, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulls[number-1].updated = at.UTC()
}

// now is to the millisecond: no forge says more.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// Touch changes a pull request as somebody else would, so that its version is
// another.
func (s *Server) Touch(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulls[number-1].version++
}

// Say comments as somebody else than the token's owner.
func (s *Server) Say(number int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.comment(s.pulls[number-1], text, "jane")
}

// Comments are the texts on a pull request, oldest first.
func (s *Server) Comments(number int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, n := range s.pulls[number-1].comments {
		if !n.deleted {
			texts = append(texts, n.text)
		}
	}
	return texts
}

// Pulls counts the pull requests that ever were.
func (s *Server) Pulls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pulls)
}

// State of a pull request: open, merged or closed.
func (s *Server) State(number int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pulls[number-1].state
}

// Title and description of a pull request.
func (s *Server) Title(number int) (title, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pulls[number-1].title, s.pulls[number-1].description
}

func (s *Server) comment(p *pull, text, author string) *note {
	s.notes++
	n := &note{id: 1000 + s.notes, text: text, author: author}
	p.comments = append(p.comments, n)
	return n
}

// headOf is a pull request's newest commit.
func (s *Server) headOf(p *pull) string {
	if p.head != "" {
		return p.head
	}
	return s.branches[p.branch]
}

// number finds a pull request; nil for none.
func (s *Server) numbered(number int) *pull {
	if number < 1 || number > len(s.pulls) {
		return nil
	}
	return s.pulls[number-1]
}

// matching gives pull requests, newest first, as all four forges list them.
func (s *Server) matching(keep func(*pull) bool) []*pull {
	var found []*pull
	for _, p := range s.pulls {
		if keep(p) {
			found = append(found, p)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].number > found[j].number })
	return found
}

// twin is the open pull request with the same ends; nil for none.
func (s *Server) twin(branch, target string) *pull {
	for _, p := range s.pulls {
		if p.state == "open" && !p.fork && p.branch == branch && p.target == target {
			return p
		}
	}
	return nil
}

func (p *pull) note(id int) *note {
	for _, n := range p.comments {
		if n.id == id && !n.deleted {
			return n
		}
	}
	return nil
}

// Review makes somebody a reviewer.
func (s *Server) Review(number int, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pulls[number-1]
	p.reviewers = append(p.reviewers, object{"user": object{"name": name}, "role": "REVIEWER", "approved": false})
}

// Reviewers are the names of a pull request's.
func (s *Server) Reviewers(number int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, r := range s.pulls[number-1].reviewers {
		user, _ := r.(object)["user"].(object)
		name, _ := user["name"].(string)
		names = append(names, name)
	}
	return names
}
