package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pave-platform/pave/internal/fault"
)

// errMoved says that the branch is not at the commit that the change is for.
var errMoved = errors.New("the branch moved")

// ErrRefused is a push that the server does not take from this account to this
// branch, as to a protected one.
var ErrRefused = errors.New("the server refused the push")

// push moves the branch from old (zero: there is none) to commit, sending the
// objects made in s. The server does so only if the branch is still at old.
func (r *Repository) push(ctx context.Context, s *snapshot, old, commit plumbing.Hash, made []plumbing.Hash) error {
	session, refs, err := r.startPush(ctx)
	if err != nil {
		return transient(err)
	}
	defer session.Close()
	if refs.References[r.ref().String()] != old {
		return &retryable{errMoved}
	}
	req := packp.NewReferenceUpdateRequestFromCapabilities(refs.Capabilities)
	if refs.Capabilities.Supports(capability.Sideband64k) {
		_ = req.Capabilities.Set(capability.Sideband64k)
	}
	var words bytes.Buffer // what the server's hooks say
	req.Progress = &words
	req.Commands = []*packp.Command{{Name: r.ref(), Old: old, New: commit}}
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, s.store, false).Encode(made, 0); err != nil {
		return err
	}
	req.Packfile = io.NopCloser(&pack)
	report, err := session.ReceivePack(ctx, req)
	return r.judge(ctx, old, report, err, words.String())
}

func (r *Repository) startPush(ctx context.Context) (transport.ReceivePackSession, *packp.AdvRefs, error) {
	session, err := open(ctx, func() (transport.ReceivePackSession, error) {
		endpoint := r.endpoint
		return r.transport.NewReceivePackSession(&endpoint, r.auth)
	})
	if err != nil {
		return nil, nil, err
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		_ = session.Close()
		return nil, nil, err
	}
	return session, refs, nil
}

// judge tells from the answer to a push whether it landed (nil), lost a race
// (retryable), may have landed (unanswered) or was refused.
func (r *Repository) judge(ctx context.Context, base plumbing.Hash, report *packp.ReportStatus, err error, words string) error {
	switch {
	case report == nil && err == nil:
		return &retryable{&unanswered{io.ErrUnexpectedEOF}}
	case report == nil && definite(err):
		return err
	case report == nil:
		return &retryable{&unanswered{err}}
	case report.UnpackStatus != "ok":
		return &retryable{fmt.Errorf("the server could not take the commit: %s %s", report.UnpackStatus, remote(words))}
	}
	for _, status := range report.CommandStatuses {
		if status.Error() == nil {
			continue
		}
		if lostRace(status.Status) || r.moved(ctx, base) {
			return &retryable{errMoved}
		}
		return r.refused(status.Status, words)
	}
	return nil // a report that is complete and without a refusal counts, also if closing the connection failed
}

// lostRace recognises what servers say when two pushes meet; there is no code
// for it in the protocol.
func lostRace(status string) bool {
	for _, sign := range []string{"lock", "failed to update ref", "incorrect old value", "already exists", "but expected", "fetch first", "non-fast-forward", "stale info"} {
		if strings.Contains(status, sign) {
			return true
		}
	}
	return false
}

// moved tells whether the branch has left base: then a refusal in words that
// are not known is taken for a lost race.
func (r *Repository) moved(ctx context.Context, base plumbing.Hash) bool {
	session, refs, err := r.startPush(ctx)
	if err != nil {
		return false
	}
	defer session.Close()
	return refs.References[r.ref().String()] != base
}

// refused passes on the server's own words.
func (r *Repository) refused(status, words string) error {
	said := status
	if w := remote(words); w != "" {
		said += ": " + w
	}
	return fault.Failedf("%w to %s: %s", ErrRefused, r.branch, said).
		Fix("allow this account to push to %s, or deploy to a branch that takes pushes", r.branch)
}

// remote makes one line of what a server's hooks printed.
func remote(words string) string {
	var lines []string
	for line := range strings.Lines(words) {
		if line = strings.TrimSpace(printable(line)); line != "" {
			lines = append(lines, line)
		}
	}
	const most = 10
	return strings.Join(lines[:min(len(lines), most)], " / ")
}

// printable drops control characters: the words come from outside and go to a
// terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}
