package promote

import (
	"bytes"
	"fmt"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// move is one decision about one environment: from what it has to a release. It
// is taken once; while it waits for verification and its turn to push, the
// repository may change, but not what the decision was about.
type move struct {
	source        *gitops.Application // of a promotion
	sourceContent []byte              // the same, as it is in the repository
	soak          time.Duration       // that it must have been Healthy for
	soakBy        string              // who says so
	running       *gitops.Application // what the environment has; nil: nothing
	before        []byte              // the same, as it is in the repository
	past          []byte              // its history, as it is in the repository
	history       gitops.History      // the same
	seen          gitops.Seen         // how what runs was, where it was looked at
	next          gitops.Application
	content       []byte // next, as it will be in the repository
	entry         gitops.Entry
}

// changes tells whether the move is anything else than what is there already.
func (m *move) changes() bool { return !bytes.Equal(m.before, m.content) }

// prepare completes a move of which the source, next and the entry's beginning
// are set.
func (m *move) prepare(tree *gitrepo.Tree, c Common) error {
	if err := m.next.Validate(); err != nil {
		return err
	}
	if err := m.look(tree); err != nil {
		return err
	}
	m.entry.At, m.entry.By = when(c.Time), who(c.By, c.Repository.Author)
	m.entry.To, m.entry.Digest, m.entry.Release = m.next.Environment, m.next.Digest(), m.next.Release
	if m.running != nil {
		m.entry.Previous = m.running.Digest()
	}
	var err error
	if m.past, err = gitops.Read(tree, m.next.HistoryPath()); err != nil {
		return err
	}
	if m.history, err = gitops.LoadHistory(tree, m.next.Target); err != nil {
		return err
	}
	if m.content, err = m.next.Render(); err != nil {
		return err
	}
	if _, err := gitops.Present(tree, m.next.Target, m.content, c.Force); err != nil {
		return err
	}
	return gitops.RefuseRejected(tree, m.next.Project, m.next.Digest())
}

// look reads what the environment has. Where that is deployed to stays as it is,
// unless somebody says otherwise.
func (m *move) look(tree *gitrepo.Tree) error {
	var err error
	if m.before, err = gitops.Read(tree, m.next.Path()); err != nil || m.before == nil {
		return err
	}
	running, err := gitops.Parse(m.next.Target, m.before)
	switch {
	case err == nil:
		m.running = &running
	case m.next.Cluster == "":
		return fault.Failedf("%w", err).Fix("revert what somebody did to the file")
	}
	if m.next.Cluster == "" {
		m.next.Cluster = running.Cluster
	}
	if m.next.ArgoCDNamespace == "" {
		m.next.ArgoCDNamespace = running.ArgoCDNamespace
	}
	return nil
}

// change is what the move does to the repository as it is in tree now.
func (m *move) change(tree *gitrepo.Tree) (gitrepo.Change, error) {
	if err := m.stands(tree); err != nil {
		return gitrepo.Change{}, err
	}
	now, err := gitops.Read(tree, m.next.Path())
	if err != nil || bytes.Equal(now, m.content) {
		return gitrepo.Change{}, err
	}
	history, err := gitops.LoadHistory(tree, m.next.Target)
	if err != nil {
		return gitrepo.Change{}, err
	}
	switch same, err := m.untouched(tree, now); {
	case err != nil:
		return gitrepo.Change{}, err
	case !same:
		return gitrepo.Change{}, moved(m.next.Target, history)
	}
	if m.running != nil {
		history = history.Now(*m.running, m.entry.At).See(m.seen)
	}
	record, err := history.Append(m.entry).Render()
	if err != nil {
		return gitrepo.Change{}, err
	}
	return gitrepo.Change{
		Write:   map[string][]byte{m.next.Path(): m.content, m.next.HistoryPath(): record},
		Message: m.message(),
	}, nil
}

// untouched tells whether the environment is as it was when the move was decided.
// The file alone does not tell: one that was promoted and taken back since is the
// same again.
func (m *move) untouched(tree *gitrepo.Tree, now []byte) (bool, error) {
	past, err := gitops.Read(tree, m.next.HistoryPath())
	return bytes.Equal(now, m.before) && bytes.Equal(past, m.past), err
}

// stands tells whether what the decision rests on is still so.
func (m *move) stands(tree *gitrepo.Tree) error {
	if err := gitops.RefuseRejected(tree, m.next.Project, m.next.Digest()); err != nil {
		return err
	}
	if m.source == nil {
		return nil
	}
	now, err := gitops.Load(tree, m.source.Target)
	if err != nil {
		return err
	}
	if now.Image != m.source.Image || now.Chart != m.source.Chart || now.Revision != m.source.Revision {
		return fault.Failedf("%s of %s went from %s to %s while the first was promoted: nothing was done", m.source.App, m.source.Environment, m.source.Digest(), now.Digest()).
			Fix("look at what %s has now, and promote again", m.source.Environment)
	}
	return nil
}

// moved is the clear word for who came second.
func moved(t gitops.Target, history gitops.History) error {
	return fault.Failedf("%s of %s changed meanwhile (%s): nothing was done", t.App, t.Environment, lastMove(t, history)).
		Fix("look at what %s has now, and decide again", t.Environment)
}

// lastMove says what happened to an environment last.
func lastMove(t gitops.Target, history gitops.History) string {
	if last := history.Last(); last != nil {
		return fmt.Sprintf("the last %s there is to %s, by %s", noun(last.Action), gitops.Short(last.Digest), last.By)
	}
	return "somebody changed " + t.Path()
}

// message is the commit's.
func (m *move) message() string {
	e := m.entry
	trailers := append(m.next.Trailers(),
		gitops.Trailer{Key: "From-Environment", Value: e.From},
		gitops.Trailer{Key: "Previous-Digest", Value: e.Previous},
		gitops.Trailer{Key: "Reason", Value: e.Reason},
		gitops.Trailer{Key: "Requested-By", Value: e.By})
	return gitops.Message(m.subject(), trailers...)
}
