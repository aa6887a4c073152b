package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// place is a blob in a repository of the target.
type place struct {
	digest v1.Hash
	in     string
}

// need makes sure that the target's repository gets a blob. Who asks again gets
// the same answer.
func (r *run) need(ctx context.Context, d v1.Descriptor, from, to name.Repository) (_ *need, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := place{d.Digest, to.RepositoryStr()}
	if n := r.needs[at]; n != nil {
		return n, false
	}
	n := &need{from: from, to: to, size: d.Size, seen: make(chan struct{}), done: make(chan struct{})}
	r.needs[at] = n
	b := r.blobs[d.Digest]
	if b == nil {
		b = &blob{desc: d, at: slices.Clone(r.knownAt[d.Digest])}
		r.blobs[d.Digest] = b
		if from.RegistryStr() == to.RegistryStr() && !r.fromArchive {
			b.at = append(b.at, from.RepositoryStr())
		}
	}
	go r.look(ctx, b, n)
	return n, true
}

// look asks the target for the blob and queues it where it is missing.
func (r *run) look(ctx context.Context, b *blob, n *need) {
	defer close(n.seen)
	if n.size != b.desc.Size {
		r.finish(b, n, present, fmt.Errorf("blob %s has two sizes: %d and %d", b.desc.Digest, n.size, b.desc.Size))
		return
	}
	leave, err := r.target.enter(ctx)
	if err != nil {
		r.finish(b, n, present, err)
		return
	}
	there, err := r.target.hasBlob(ctx, n.to, b.desc)
	leave()
	if err != nil || there {
		r.finish(b, n, present, err)
		return
	}
	r.mu.Lock()
	first := !b.busy
	if first {
		b.busy = true
		if len(b.at) == 0 {
			r.progress.total.Add(b.desc.Size)
		}
	}
	b.waiting = append(b.waiting, n)
	r.mu.Unlock()
	if first {
		r.lane(b, n.from).push(b, func(b *blob) { r.work(ctx, b) })
	}
}

// finish answers a need.
func (r *run) finish(b *blob, n *need, how outcome, err error) {
	r.mu.Lock()
	if err == nil {
		if !slices.Contains(b.at, n.to.RepositoryStr()) {
			b.at = append(b.at, n.to.RepositoryStr())
		}
		switch how {
		case present:
			r.result.Blobs.Present++
		case mounted:
			r.result.Blobs.Mounted++
		case sent:
			r.result.Blobs.Sent++
		}
	}
	r.mu.Unlock()
	n.how, n.err = how, err
	close(n.done)
}

// work meets all needs of a blob, also those that come up meanwhile.
func (r *run) work(ctx context.Context, b *blob) {
	for {
		r.mu.Lock()
		if len(b.waiting) == 0 {
			b.busy = false
			r.mu.Unlock()
			return
		}
		n := b.waiting[0]
		b.waiting = b.waiting[1:]
		at := slices.Clone(b.at)
		r.mu.Unlock()
		how, err := r.meet(ctx, b, n, at)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("blob %s of %s: %w", b.desc.Digest, n.from, err)
		}
		r.finish(b, n, how, err)
	}
}

// meet brings a blob into a repository: mounted where the target has it, else
// from its source.
func (r *run) meet(ctx context.Context, b *blob, n *need, at []string) (outcome, error) {
	if r.dryRun && len(at) > 0 {
		return mounted, nil
	}
	if r.dryRun {
		return sent, nil
	}
	if len(at) == 0 && b.desc.Size > smallBlob {
		at = r.elsewhere(ctx, b, n)
	}
	var session *url.URL
	for _, from := range at[:min(len(at), 2)] {
		ok, opened, err := r.target.mount(ctx, n.to, from, b.desc.Digest)
		if ok {
			return mounted, nil
		}
		if ctx.Err() != nil {
			return mounted, ctx.Err()
		}
		if err == nil { // it does not mount, and takes an upload
			session = opened
			break
		}
	}
	return sent, r.send(ctx, b.desc, n, session)
}

// elsewhere looks for a large blob in the repositories that had something before
// this run.
func (r *run) elsewhere(ctx context.Context, b *blob, n *need) []string {
	r.mu.Lock()
	settled := slices.DeleteFunc(slices.Clone(r.settled), func(in name.Repository) bool { return in.RepositoryStr() == n.to.RepositoryStr() })
	r.mu.Unlock()
	found := make([]string, len(settled))
	_ = each(ctx, settled, func(ctx context.Context, i int, in name.Repository) error {
		leave, err := r.target.enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
		if there, err := r.target.hasBlob(ctx, in, b.desc); there && err == nil {
			found[i] = in.RepositoryStr()
		}
		return nil
	})
	return slices.DeleteFunc(found, func(s string) bool { return s == "" })
}

// send streams a blob from its source to the target.
func (r *run) send(ctx context.Context, d v1.Descriptor, n *need, session *url.URL) error {
	if d.Size > smallBlob {
		select {
		case r.sending <- struct{}{}:
			defer func() { <-r.sending }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s := newStream(ctx, d, &r.progress.sent, func(ctx context.Context, from int64) (io.ReadCloser, error) {
		if int64(len(d.Data)) == d.Size {
			return io.NopCloser(bytes.NewReader(d.Data[from:])), nil
		}
		return r.source.blob(ctx, n.from, d, from)
	})
	defer s.stop()
	if d.Size == 0 && !s.empty() {
		return fmt.Errorf("%w: it has no bytes", errAltered)
	}
	u := &upload{host: r.target, to: n.to, blob: d, stream: s, session: session}
	err := u.run(ctx)
	if err != nil && ctx.Err() == nil {
		r.progress.sent.Add(-s.at)
		if errors.Is(err, errAltered) {
			return refuseAltered(n.from, err)
		}
	}
	return err
}
