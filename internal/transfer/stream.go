package transfer

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// errAltered is the cause where a source gives other bytes than a digest names.
var errAltered = errors.New("the content is not what the digest says")

// opener gives the bytes of a blob from an offset on.
type opener func(ctx context.Context, from int64) (io.ReadCloser, error)

// stream reads a blob from its source once and goes on where a connection was
// cut. It keeps its last bytes back until the digest is right, so that who
// receives the stream never has all of an altered blob.
type stream struct {
	ctx  context.Context
	open opener
	want v1.Descriptor
	sent *atomic.Int64 // bytes read from here, taken back when they are read again

	body     io.ReadCloser
	at       int64
	sum      hash.Hash
	marks    []mark
	failures int // since the last byte
	read     atomic.Bool
	err      error // final, of the source
}

// mark is the state of the digest at an offset, to go on from there.
type mark struct {
	at    int64
	state []byte
}

// markEvery is how many bytes may have to be read again to go on.
var markEvery int64 = 8 << 20

// stalled is how long a source may send nothing before it counts as cut.
const stalled = time.Minute

func newStream(ctx context.Context, want v1.Descriptor, sent *atomic.Int64, open opener) *stream {
	return &stream{ctx: ctx, open: open, want: want, sent: sent, sum: sha256.New()}
}

// touched says whether anything was read since the last seek.
func (s *stream) touched() bool { return s.read.Load() }

// Read implements io.Reader. Its error is io.EOF, or stays in s.err.
func (s *stream) Read(p []byte) (int, error) {
	s.read.Store(true)
	for {
		if s.err != nil {
			return 0, s.err
		}
		if s.at == s.want.Size {
			return 0, io.EOF
		}
		n, err := s.next(p)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			s.err = err
		}
	}
}

// next reads once. Without bytes and without an error it shall be called again.
func (s *stream) next(p []byte) (int, error) {
	if s.body == nil {
		body, err := s.open(s.ctx, s.at)
		if err != nil {
			return 0, err
		}
		s.body = body
	}
	body := s.body
	watch := time.AfterFunc(stalled, func() { _ = body.Close() })
	n, err := body.Read(p[:min(int64(len(p)), s.want.Size-s.at)])
	watch.Stop()
	if n > 0 {
		s.failures = 0
		if err := s.take(p[:n]); err != nil {
			return 0, err
		}
		return n, nil
	}
	if err == nil {
		return 0, nil
	}
	s.stop()
	if s.ctx.Err() != nil {
		return 0, s.ctx.Err()
	}
	if s.failures++; s.failures >= attempts {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, fmt.Errorf("it ends after %d of %d bytes: %w", s.at, s.want.Size, err)
	}
	if s.failures > 1 { // the first time it is worth trying at once
		return 0, pause(s.ctx, delay(s.failures))
	}
	return 0, nil
}

// take accounts for bytes that were read.
func (s *stream) take(p []byte) error {
	s.sum.Write(p)
	s.at += int64(len(p))
	s.sent.Add(int64(len(p)))
	if s.at == s.want.Size {
		if got := hex.EncodeToString(s.sum.Sum(nil)); got != s.want.Digest.Hex {
			s.err = fmt.Errorf("%w: it is sha256:%s", errAltered, got)
			return s.err
		}
	} else if s.at >= s.lastMark()+markEvery {
		s.mark()
	}
	return nil
}

func (s *stream) lastMark() int64 {
	if len(s.marks) == 0 {
		return 0
	}
	return s.marks[len(s.marks)-1].at
}

func (s *stream) mark() {
	if m, ok := s.sum.(encoding.BinaryMarshaler); ok {
		if state, err := m.MarshalBinary(); err == nil {
			s.marks = append(s.marks, mark{s.at, state})
		}
	}
}

// seek makes the next Read give the byte at offset to, which was read before or
// is where the stream is.
func (s *stream) seek(to int64) error {
	s.stop()
	s.sent.Add(to - s.at)
	s.read.Store(false)
	s.err, s.failures = nil, 0
	s.sum.Reset()
	s.at = 0
	for len(s.marks) > 0 && s.lastMark() > to {
		s.marks = s.marks[:len(s.marks)-1]
	}
	if m := s.lastMark(); m > 0 {
		u, ok := s.sum.(encoding.BinaryUnmarshaler)
		if !ok {
			return errors.New("the digest cannot go on from where it was")
		}
		if err := u.UnmarshalBinary(s.marks[len(s.marks)-1].state); err != nil {
			return err
		}
		s.at = m
	}
	if s.at == to {
		return nil
	}
	// What lies between the mark and the offset is read for the digest only.
	s.sent.Add(s.at - to)
	_, err := io.CopyN(io.Discard, onlyReader{s}, to-s.at)
	s.read.Store(false)
	return err
}

// onlyReader hides everything but Read.
type onlyReader struct{ io.Reader }

func (s *stream) stop() {
	if s.body != nil {
		_ = s.body.Close()
		s.body = nil
	}
}

// empty says whether the digest is that of nothing.
func (s *stream) empty() bool {
	return hex.EncodeToString(sha256.New().Sum(nil)) == s.want.Digest.Hex
}
