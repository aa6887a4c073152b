package transfer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pave-platform/pave/internal/fault"
)

// smallBlob is up to where a blob costs a round trip rather than time to move.
const smallBlob = 1 << 20

// mount asks for a blob from another repository. A registry that does not mount
// opens an upload instead, whose address comes back.
func (h *host) mount(ctx context.Context, to name.Repository, from string, d v1.Hash) (mounted bool, session *url.URL, err error) {
	query := url.Values{"mount": {d.String()}, "from": {from}}
	resp, err := h.do(ctx, call{
		method: http.MethodPost, path: to.RepositoryStr() + "/blobs/uploads/?" + query.Encode(),
		repositories: []string{to.RepositoryStr(), from}, want: []int{http.StatusCreated, http.StatusAccepted},
	})
	if err != nil {
		return false, nil, err
	}
	defer drain(resp)
	if resp.StatusCode == http.StatusCreated {
		return true, nil, nil
	}
	session, err = location(resp)
	return false, session, err
}

// upload is one blob on its way into a repository.
type upload struct {
	host    *host
	to      name.Repository
	blob    v1.Descriptor
	stream  *stream
	session *url.URL // nil: none is open
}

// run sends the blob, over as many connections as it takes.
func (u *upload) run(ctx context.Context) error {
	altered, furthest := 0, int64(0)
	for attempt := 0; ; attempt++ {
		err := u.once(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			u.cancel(context.WithoutCancel(ctx))
			return ctx.Err()
		}
		switch {
		case errors.Is(u.stream.err, errAltered), digestRefused(err):
			if altered++; altered >= corrupted {
				u.cancel(ctx)
				return u.alteredError(err)
			}
			err = u.restart(ctx)
		case u.stream.err != nil: // the source's, which has been tried often enough
			u.cancel(ctx)
			return u.stream.err
		case !u.worth(ctx, attempt, err):
			u.cancel(ctx)
			return u.targetError(err)
		default:
			err = u.resume(ctx)
		}
		if errors.Is(err, errThere) {
			return nil
		}
		if err != nil {
			return err
		}
		if u.stream.at > furthest { // the target has kept more than before
			attempt, furthest = 0, u.stream.at
		}
	}
}

var errThere = errors.New("the target has the blob")

func (u *upload) alteredError(err error) error {
	if u.stream.err != nil {
		return u.stream.err
	}
	return fault.Failedf("it arrives altered at %s: %w", u.host.reg.RegistryStr(), err).
		Fix("look for a proxy before the registry, and at its disk")
}

// worth says whether another attempt may go better, after waiting for it.
func (u *upload) worth(ctx context.Context, attempt int, err error) bool {
	switch s := status(err); {
	case full(err):
		return false
	case s == http.StatusUnauthorized: // the token ended on the way; the next call renews it
		return attempt+1 < attempts
	case s == http.StatusNotFound && u.session == nil: // none was opened: the target takes nothing here
		return false
	case s == http.StatusNotFound, s == http.StatusRequestedRangeNotSatisfiable: // the upload is gone
		return attempt+1 < attempts && pause(ctx, delay(attempt)) == nil
	}
	return u.host.again(ctx, attempt, nil, err)
}

// once sends what is left in one go. Where nothing was sent, the blob and its
// digest are one request.
func (u *upload) once(ctx context.Context) error {
	if u.session == nil {
		if err := u.begin(ctx); err != nil {
			return err
		}
	}
	if u.stream.at > 0 {
		if err := u.patch(ctx); err != nil {
			return err
		}
		return u.put(ctx, call{})
	}
	return u.put(ctx, call{stream: u.stream, length: u.blob.Size})
}

func (u *upload) begin(ctx context.Context) error {
	resp, err := u.host.do(ctx, call{
		method: http.MethodPost, path: u.to.RepositoryStr() + "/blobs/uploads/",
		repositories: u.access(), want: []int{http.StatusAccepted},
	})
	if err != nil {
		return err
	}
	defer drain(resp)
	u.session, err = location(resp)
	return err
}

func (u *upload) access() []string { return []string{u.to.RepositoryStr()} }

// put ends the upload.
func (u *upload) put(ctx context.Context, c call) error {
	end := *u.session
	query := end.Query()
	query.Set("digest", u.blob.Digest.String())
	end.RawQuery = query.Encode()
	c.method, c.url, c.repositories, c.want = http.MethodPut, &end, u.access(), []int{http.StatusCreated}
	c.header = http.Header{"Content-Type": {"application/octet-stream"}}
	resp, err := u.host.do(ctx, c)
	if err != nil {
		return err
	}
	drain(resp)
	return nil
}

// patch sends the rest of a blob of which the target has the beginning.
func (u *upload) patch(ctx context.Context) error {
	resp, err := u.host.do(ctx, call{
		method: http.MethodPatch, url: u.session, repositories: u.access(), want: []int{http.StatusAccepted, http.StatusNoContent},
		header: http.Header{
			"Content-Type":  {"application/octet-stream"},
			"Content-Range": {fmt.Sprintf("%d-%d", u.stream.at, u.blob.Size-1)},
		},
		stream: u.stream, length: u.blob.Size - u.stream.at,
	})
	if err != nil {
		return err
	}
	defer drain(resp)
	u.session, err = location(resp)
	return err
}

// resume goes on at the offset that the target has, or begins again.
func (u *upload) resume(ctx context.Context) error {
	if there, err := u.host.hasBlob(ctx, u.to, u.blob); err == nil && there {
		return errThere // the answer was lost, not the blob
	}
	offset := u.offset(ctx)
	if offset <= 0 || offset > u.stream.at {
		return u.restart(ctx)
	}
	return u.seek(ctx, offset)
}

func (u *upload) seek(ctx context.Context, to int64) error {
	if err := u.stream.seek(to); err != nil {
		u.cancel(ctx)
		if u.stream.err != nil {
			return u.stream.err
		}
		return err
	}
	return nil
}

// offset asks how much the target has kept; 0 where it does not say.
func (u *upload) offset(ctx context.Context) int64 {
	if u.session == nil || u.stream.at == 0 {
		return 0
	}
	resp, err := u.host.do(ctx, call{
		method: http.MethodGet, url: u.session, repositories: u.access(), want: []int{http.StatusNoContent, http.StatusAccepted},
	})
	if err != nil {
		return 0
	}
	defer drain(resp)
	var first, last int64
	if n, err := fmt.Sscanf(resp.Header.Get("Range"), "%d-%d", &first, &last); n != 2 || err != nil || first != 0 || last == 0 {
		return 0
	}
	if next, err := location(resp); err == nil {
		u.session = next
	}
	return last + 1
}

func (u *upload) restart(ctx context.Context) error {
	u.cancel(ctx)
	return u.seek(ctx, 0)
}

// cancel lets the target forget what it has of the blob. A target that cannot
// forgets it by itself.
func (u *upload) cancel(ctx context.Context) {
	if u.session == nil {
		return
	}
	session := u.session
	u.session = nil
	ctx, stop := context.WithTimeout(ctx, cancelTime)
	defer stop()
	resp, err := u.host.do(ctx, call{
		method: http.MethodDelete, url: session, repositories: u.access(), want: []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted},
	})
	if err == nil {
		drain(resp)
	}
}

// location reads where an upload goes on.
func location(resp *http.Response) (*url.URL, error) {
	to, err := resp.Location()
	if err != nil {
		return nil, fault.Failedf("%s answers without saying where the upload goes on: %w", resp.Request.URL.Host, err).
			Fix("check that this is a registry")
	}
	if asked := resp.Request.URL; to.Host == asked.Host {
		to.Scheme = asked.Scheme // a registry behind a proxy may not know that this is https
	}
	return to, nil
}

func digestRefused(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	if !ok || answer.StatusCode != http.StatusBadRequest {
		return false
	}
	for _, d := range answer.Errors {
		if d.Code == transport.DigestInvalidErrorCode {
			return true
		}
	}
	return false
}
