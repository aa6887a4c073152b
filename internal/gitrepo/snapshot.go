package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/pave-platform/pave/internal/fault"
)

// snapshot is the branch's newest commit in memory, without its history. It
// holds the folders, and the files' contents only as far as they were read
// where the server can leave them out: so its cost grows neither with the
// history nor with the size of the files.
type snapshot struct {
	repo    *Repository
	store   *memory.Storage
	head    plumbing.Hash // zero: the repository is empty
	depth   int           // commits of history, at least 1
	partial bool          // the server left contents out: Tree.Read asks for them
	absent  bool          // the branch need not be there: then the head is zero
}

func newSnapshot(r *Repository) *snapshot {
	return &snapshot{repo: r, store: memory.NewStorage(), depth: 1}
}

// fetch brings the snapshot to the branch's present commit. Again, it
// transfers only what is new since the last time.
func (s *snapshot) fetch(ctx context.Context) error {
	session, refs, err := s.connect(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		s.head = plumbing.ZeroHash
		return nil
	}
	if err != nil {
		return err
	}
	defer session.Close()
	head, ok := refs.References[s.repo.ref().String()]
	switch {
	case ok:
	case s.absent:
		s.head = plumbing.ZeroHash
		return nil
	default:
		return s.repo.missingBranch(refs)
	}
	if head == s.head {
		return nil
	}
	req := s.request(refs, head)
	if refs.Capabilities.Supports(capability.Shallow) {
		_ = req.Capabilities.Set(capability.Shallow)
		req.Depth = packp.DepthCommits(s.depth)
		if !s.head.IsZero() {
			req.Shallows = []plumbing.Hash{s.head}
		}
	}
	if !s.head.IsZero() {
		req.Haves = []plumbing.Hash{s.head}
	}
	if err := s.receive(ctx, session, req); err != nil {
		return err
	}
	s.head = head
	return nil
}

// connect starts a read and gives the server's branches.
func (s *snapshot) connect(ctx context.Context) (transport.UploadPackSession, *packp.AdvRefs, error) {
	r := s.repo
	session, err := open(ctx, func() (transport.UploadPackSession, error) {
		endpoint := r.endpoint // a redirect changes it
		return r.transport.NewUploadPackSession(&endpoint, r.auth)
	})
	if err != nil {
		return nil, nil, err
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		_ = session.Close()
		return nil, nil, err
	}
	if f := refs.Capabilities.Get(capability.ObjectFormat); len(f) == 1 && f[0] != "sha1" {
		_ = session.Close()
		return nil, nil, fault.Inputf("the repository uses %s object names, and only sha1 is supported", f[0])
	}
	return session, refs, nil
}

func (s *snapshot) request(refs *packp.AdvRefs, want plumbing.Hash) *packp.UploadPackRequest {
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	req.Wants = []plumbing.Hash{want}
	if refs.Capabilities.Supports(capability.Filter) && canAskFor(refs.Capabilities) {
		_ = req.Capabilities.Set(capability.Filter)
		req.Filter = packp.FilterBlobNone()
		s.partial = true
	}
	return req
}

// canAskFor tells whether single files' contents can be had later.
func canAskFor(c *capability.List) bool {
	return c.Supports(capability.AllowReachableSHA1InWant)
}

// receive sends req and stores the objects of the answer.
func (s *snapshot) receive(ctx context.Context, session transport.UploadPackSession, req *packp.UploadPackRequest) error {
	answer, err := session.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer answer.Close()
	var pack io.Reader = answer
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, answer)
	case req.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, answer)
	}
	if err := packfile.UpdateObjectStorage(s.store, pack); err != nil && !errors.Is(err, packfile.ErrEmptyPackfile) {
		return fmt.Errorf("the server's answer broke off: %w", err)
	}
	return nil
}

// blob gives a file's content, from the server where it was left out.
func (s *snapshot) blob(ctx context.Context, hash plumbing.Hash) ([]byte, error) {
	if s.partial && s.store.HasEncodedObject(hash) != nil {
		session, refs, err := s.connect(ctx)
		if err != nil {
			return nil, err
		}
		defer session.Close()
		req := s.request(refs, hash)
		req.Filter = "" // would leave out the very blob
		if err := s.receive(ctx, session, req); err != nil {
			return nil, err
		}
	}
	blob, err := object.GetBlob(s.store, hash)
	if err != nil {
		return nil, err
	}
	content, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(content)
	return b.Bytes(), err
}

// tree is the branch's files.
func (s *snapshot) tree(ctx context.Context) *Tree { return &Tree{ctx: ctx, snapshot: s} }

func (r *Repository) missingBranch(refs *packp.AdvRefs) error {
	var branches []string
	for _, name := range slices.Sorted(maps.Keys(refs.References)) {
		if b, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			branches = append(branches, b)
		}
	}
	const shown = 10
	list := strings.Join(branches[:min(len(branches), shown)], ", ")
	if len(branches) > shown {
		list += ", …"
	}
	return fault.Inputf("there is no branch %s", r.branch).Fix("create it, or choose another with --branch (there are: %s)", list)
}

// open runs a blocking connection set-up and leaves it behind when ctx ends.
func open[S io.Closer](ctx context.Context, connect func() (S, error)) (S, error) {
	type result struct {
		session S
		err     error
	}
	done := make(chan result, 1)
	go func() {
		s, err := connect()
		done <- result{s, err}
	}()
	select {
	case r := <-done:
		return r.session, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				_ = r.session.Close()
			}
		}()
		var none S
		return none, ctx.Err()
	}
}
