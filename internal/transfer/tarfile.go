package transfer

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// file is a file of the archive: all sizes are known beforehand, so each has its
// place, and many can be written at a time.
type file struct {
	part
	header []byte
	at     int64 // of the header
}

// write writes the archive beside its goal and renames it.
func (x *export) write(ctx context.Context, index []byte) (size int64, err error) {
	files, size, err := x.layout(index)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Dir(x.o.Path), 0o755); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(x.o.Path), "."+filepath.Base(x.o.Path)+".*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) // does nothing once it is renamed
	err = errors.Join(f.Truncate(size), x.fill(ctx, f, files))
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return 0, fmt.Errorf("%s: %w", x.o.Path, err)
	}
	return size, os.Rename(f.Name(), x.o.Path)
}

// layout gives every file its place, in an order that depends on the content
// only.
func (x *export) layout(index []byte) (files []file, size int64, err error) {
	place := func(name string, p part) error {
		var header bytes.Buffer
		err := tar.NewWriter(&header).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: p.desc.Size})
		files = append(files, file{part: p, header: header.Bytes(), at: size})
		size += int64(header.Len()) + (p.desc.Size+511)/512*512
		return err
	}
	for _, small := range []struct{ name, content string }{
		{"oci-layout", `{"imageLayoutVersion":"1.0.0"}`}, {"index.json", string(index)},
	} {
		digest, n, err := v1.SHA256(strings.NewReader(small.content))
		if err != nil {
			return nil, 0, err
		}
		p := part{desc: v1.Descriptor{Digest: digest, Size: n}, raw: []byte(small.content)}
		if err := place(small.name, p); err != nil {
			return nil, 0, err
		}
	}
	for _, h := range slices.SortedFunc(maps.Keys(x.content), func(a, b v1.Hash) int { return strings.Compare(a.Hex, b.Hex) }) {
		if err := place("blobs/"+h.Algorithm+"/"+h.Hex, x.content[h]); err != nil {
			return nil, 0, err
		}
	}
	return files, size + 1024, nil // two empty blocks end a tar file
}

// fill writes the files, the largest first.
func (x *export) fill(ctx context.Context, to io.WriterAt, files []file) error {
	slices.SortStableFunc(files, func(a, b file) int { return cmp.Compare(b.desc.Size, a.desc.Size) })
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(orDefault(x.o.SourceJobs, 6))
	for _, f := range files {
		g.Go(func() error {
			if _, err := to.WriteAt(f.header, f.at); err != nil {
				return err
			}
			return x.copyPart(ctx, io.NewOffsetWriter(to, f.at+int64(len(f.header))), f.part)
		})
	}
	return g.Wait()
}

// copyPart writes a part, again from its beginning if it comes altered.
func (x *export) copyPart(ctx context.Context, to *io.OffsetWriter, p part) error {
	counter := &x.progress.sent
	if p.raw != nil {
		counter = &x.progress.looking
	}
	s := newStream(ctx, p.desc, counter, x.open(p))
	defer s.stop()
	if p.desc.Size == 0 && !s.empty() {
		return fmt.Errorf("blob %s of %s: %w: it has no bytes", p.desc.Digest, p.from, errAltered)
	}
	for try := 1; ; try++ {
		_, err := io.CopyBuffer(onlyWriter{to}, onlyReader{s}, make([]byte, 128<<10))
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errAltered) && try < corrupted:
			if _, err := to.Seek(0, io.SeekStart); err != nil {
				return err
			}
			if err := s.seek(0); err != nil {
				return err
			}
			continue
		case errors.Is(err, errAltered):
			err = refuseAltered(p.from, err)
		}
		return fmt.Errorf("blob %s of %s: %w", p.desc.Digest, p.from, err)
	}
}

// onlyWriter hides everything but Write.
type onlyWriter struct{ io.Writer }
