package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/transfer"
)

// order is what the child copies: source@digest and target:tag.
type order [][2]string

// said is what the child prints.
type said struct {
	Result transfer.Result
	PeakMB float64
}

func TestMain(m *testing.M) { killtest.Main(m, child) }

// child copies, so that it can be killed and its memory be measured.
func child(ctx context.Context, o order) error {
	client, err := registry.New(registry.Options{})
	if err != nil {
		return err
	}
	var entries []transfer.Entry
	for _, pair := range o {
		from, err := name.NewDigest(pair[0])
		if err != nil {
			return err
		}
		to, err := name.NewTag(pair[1])
		if err != nil {
			return err
		}
		entries = append(entries, transfer.Entry{Source: from, Target: to.Repository, Tags: []string{to.TagStr()}})
	}
	r, err := transfer.Copy(ctx, entries, transfer.Options{Source: client, Target: client})
	return errors.Join(err, json.NewEncoder(os.Stdout).Encode(said{r, peakMB()}))
}

// peakMB is the process's own largest resident set: the one that the parent
// would see begins with the parent's.
func peakMB() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseFloat(fields[0], 64)
	return kb / 1024
}

func (o order) run(t testing.TB) said {
	t.Helper()
	cmd := killtest.Command(t, o)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var s said
	must(t, json.Unmarshal(out, &s))
	return s
}

// open is plain http without a password, which a child needs no files for.
var open = registrytest.Options{Plain: true, Anonymous: true}

func TestAKilledRunIsFinishedByTheNext(t *testing.T) {
	const images = 6
	for _, c := range []struct {
		name, method, path string
		at                 int // the request that it dies at
	}{
		{"between blobs", "POST", "/blobs/uploads/", 7},
		{"in a blob", "PUT", "/blobs/uploads/", 5},
		{"between manifests", "PUT", "/manifests/", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, registrytest.New, registrytest.Distribution, open, open)
			var o order
			var made []v1.Descriptor
			for i := range images {
				d := p.make.image("pub/app"+strconv.Itoa(i), "", "amd64", uint64(i*10), 300_000, 2<<20)
				made = append(made, d)
				o = append(o, [2]string{p.from.Ref(fmt.Sprintf("pub/app%d@%s", i, d.Digest)), p.to.Ref(fmt.Sprintf("library/app%d:1", i))})
			}
			p.target.Break(c.method, c.path, c.at-1, registrytest.Before(func() {}))
			killtest.Kill(t, o, func(kill func()) {
				p.target.Break(c.method, c.path, 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					_, _ = io.CopyN(io.Discard, r.Body, 100_000) // some of it has arrived
					kill()
					panic(http.ErrAbortHandler)
				})
			})
			p.target.Heal()
			p.source.Wait()
			p.target.Wait()
			there := p.finished()
			p.source.Reset()
			r := o.run(t).Result
			if got, want := r.Blobs.Sent+r.Blobs.Present+there.inDone, images*3; got != want || r.Blobs.Present+there.inDone < there.blobs {
				t.Errorf("%d blobs were there before, %d of them below tags; the second run: %+v", there.blobs, there.inDone, r.Blobs)
			}
			if read := p.source.Count("GET", "/blobs/"); read != r.Blobs.Sent {
				t.Errorf("%d blobs were read, %d were missing", read, r.Blobs.Sent)
			}
			for i, d := range made {
				same(t, p.to, fmt.Sprintf("library/app%d:1", i), d.Digest)
			}
		})
	}
}

// before is what a killed run left.
type before struct {
	blobs  int // that the target has confirmed
	inDone int // of entries that had their tag
}

func (p *pair) finished() before {
	var b before
	for _, r := range p.target.Requests() {
		if r.Method == http.MethodPut && r.Status == http.StatusCreated {
			if strings.Contains(r.Path, "/blobs/") {
				b.blobs++
			} else {
				b.inDone += 3
			}
		}
	}
	return b
}

// seeded is content of any size that is made when it is read.
type seeded struct{ size, at int64 }

// block is what seeded repeats, each time with another number in front.
var block = noise(1234, 1<<16)

// Read implements io.Reader.
func (s *seeded) Read(b []byte) (int, error) {
	if s.at >= s.size {
		return 0, io.EOF
	}
	number, within := s.at/int64(len(block)), s.at%int64(len(block))
	var n int
	if within < 8 {
		var front [8]byte
		binary.BigEndian.PutUint64(front[:], uint64(number))
		n = copy(b[:min(int64(len(b)), s.size-s.at)], front[within:])
	} else {
		n = copy(b[:min(int64(len(b)), s.size-s.at)], block[within:])
	}
	s.at += int64(n)
	return n, nil
}

// Seek implements io.Seeker.
func (s *seeded) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += s.size
	}
	s.at = offset
	return offset, nil
}

// TestALargeLayerTakesNoMemory copies a layer of 1 GiB that is nowhere whole but
// at the target, and is cut once on the way.
func TestALargeLayerTakesNoMemory(t *testing.T) {
	const size = 1 << 30
	sum := sha256.New()
	_, err := io.Copy(sum, &seeded{size: size})
	must(t, err)
	digest := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}

	var front registrytest.Front
	from := registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true, Wrap: func(next http.Handler) http.Handler {
		return front.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/blobs/"+digest.String()) {
				http.ServeContent(w, r, "", time.Time{}, &seeded{size: size})
				return
			}
			next.ServeHTTP(w, r)
		}))
	}})
	m := newMaker(t, from)
	layer := v1.Descriptor{MediaType: types.OCILayer, Digest: digest, Size: size}
	d := m.put("pub/large", "", types.OCIManifestSchema1, manifest{
		"config": m.blob("pub/large", types.OCIConfigJSON, []byte("{}")), "layers": []v1.Descriptor{layer},
	})
	to := registrytest.Distribution(t, open)
	front.Break("GET", registrytest.Blob(digest.String()), 1, registrytest.CutAnswer(size/3))

	s := order{{from.Ref("pub/large@" + d.Digest.String()), to.Ref("library/large:1")}}.run(t)
	if s.Result.Copied != 1 || s.Result.Bytes < size {
		t.Errorf("the result: %+v", s.Result)
	}
	if s.PeakMB == 0 || s.PeakMB > 150 {
		t.Errorf("it took %.0f MB, want at most 150", s.PeakMB)
	}
	t.Logf("%.0f MB in %.1f s", s.PeakMB, s.Result.Seconds)
}
