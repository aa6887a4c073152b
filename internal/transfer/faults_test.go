package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/transfer"
)

// large is the size of a blob that faults are made in.
const large = 4 << 20

// one is a pair with one image of one large layer.
func one(t testing.TB, p *pair) (transfer.Entry, v1.Descriptor) {
	t.Helper()
	d := p.make.image("pub/app", "", "amd64", 9, large)
	return p.entry(t, "pub/app", d, "library/app", "1"), d
}

// layer is the digest of the large layer of one.
func (m *maker) layer() string {
	for d, content := range m.raw {
		if len(content) == large {
			return d
		}
	}
	m.t.Fatal("there is no large layer")
	return ""
}

func TestARegistryInTroubleIsAskedAgain(t *testing.T) {
	const uploads = "/blobs/uploads/"
	for name, c := range map[string]struct {
		method, path string
		target       bool
	}{
		"a manifest of the source":      {"GET", "/manifests/", false},
		"a blob of the source":          {"GET", "/blobs/", false},
		"the target's tag":              {"HEAD", "/manifests/", true},
		"whether the target has a blob": {"HEAD", "/blobs/", true},
		"the beginning of an upload":    {"POST", uploads, true},
		"the upload itself":             {"PUT", uploads, true},
		"the manifest at the target":    {"PUT", "/manifests/", true},
		"the greeting":                  {"GET", "^/v2/$", true},
	} {
		for kind, broken := range map[string]registrytest.Fault{
			"500": registrytest.Answer(500, "{}"), "502": registrytest.Answer(502, "<html>"), "503": registrytest.Answer(503, ""),
			"a cut": registrytest.Cut(), "a lost answer": registrytest.Lose(),
		} {
			t.Run(name+" with "+kind, func(t *testing.T) {
				p := plainly(t)
				e, d := one(t, p)
				front := p.source
				if c.target {
					front = p.target
				}
				front.Break(c.method, c.path, 2, broken)
				p.copies(t, p.options(t), e)
				same(t, p.to, "library/app:1", d.Digest)
			})
		}
	}
}

func TestARegistryThatAsksForTimeGetsIt(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		waits  int // a date is over once for both sides
	}{
		"in seconds": {"17", 2}, "as a date": {time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat), 1},
	} {
		t.Run(name, func(t *testing.T) {
			header := c.header
			waited := transfer.Waited(t)
			p := usual(t)
			e, d := one(t, p)
			p.source.Break("GET", "/manifests/", 1, registrytest.Answer(429, "{}", "Retry-After", header))
			p.target.Break("PUT", "/blobs/uploads/", 1, registrytest.Answer(429, "{}", "Retry-After", header))
			p.copies(t, p.options(t), e)
			same(t, p.to, "library/app:1", d.Digest)
			long := slices.DeleteFunc(waited(), func(d time.Duration) bool { return d < 10*time.Second || d > 20*time.Second })
			if len(long) < c.waits {
				t.Errorf("it waited %v", waited())
			}
		})
	}
}

func TestABlobIsReadOnWhereItsSourceWasCut(t *testing.T) {
	for quarter := range 4 {
		t.Run(fmt.Sprintf("after %d quarters", quarter), func(t *testing.T) {
			p := plainly(t)
			e, d := one(t, p)
			p.source.Break("GET", registrytest.Blob(p.make.layer()), 1, registrytest.CutAnswer(int64(quarter)*large/4))
			r := p.copies(t, p.options(t), e)
			same(t, p.to, "library/app:1", d.Digest)
			var ranges []string
			for _, asked := range p.source.Requests() {
				if strings.Contains(asked.Path, p.make.layer()) {
					ranges = append(ranges, asked.Range)
				}
			}
			if quarter > 0 && !slices.Equal(ranges, []string{"", fmt.Sprintf("bytes=%d-%d", quarter*large/4, large-1)}) {
				t.Errorf("the source was asked for %q", ranges)
			}
			if r.Blobs.Sent != 2 || p.target.Count("POST", "/blobs/uploads/") != 2 {
				t.Errorf("the target noticed: %+v", r.Blobs)
			}
		})
	}
}

func TestABlobGoesOnWhereTheTargetWasCut(t *testing.T) {
	for name, resumes := range map[string]bool{"that keeps what it has": true, "that does not": false} {
		for quarter := range 4 {
			t.Run(fmt.Sprintf("a target %s, after %d quarters", name, quarter), func(t *testing.T) {
				front := &registrytest.Front{}
				p := plainly(t)
				wrap := front.Wrap
				if resumes {
					wrap = func(next http.Handler) http.Handler { return front.Wrap(registrytest.NewResumable(next)) }
				}
				p.to, p.target = registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true, Wrap: wrap}), front
				e, d := one(t, p)
				p.target.Break("PUT", strings.TrimPrefix(p.make.layer(), "sha256:"), 1, registrytest.CutBody(int64(quarter)*large/4+1000))
				r := p.copies(t, p.options(t), e)
				same(t, p.to, "library/app:1", d.Digest)
				patched := p.target.Count("PATCH", "/blobs/uploads/")
				if resumes && patched == 0 {
					t.Errorf("it did not go on where it was: %+v", p.target.Requests())
				}
				if r.Bytes != large+int64(len(p.make.raw[p.config(d)])) {
					t.Errorf("%d bytes are counted", r.Bytes)
				}
			})
		}
	}
}

// config is the digest of the small blob of one.
func (p *pair) config(v1.Descriptor) string {
	for d, content := range p.make.raw {
		if len(content) < large && !strings.Contains(string(content), "schemaVersion") {
			return d
		}
	}
	return ""
}

func TestWhatIsNotWhatItsDigestSaysNeverArrives(t *testing.T) {
	for name, c := range map[string]struct {
		fault registrytest.Fault
		says  string
	}{
		"a byte is another": {registrytest.Corrupt(large / 2), "serves other content"},
		"the last byte is":  {registrytest.Corrupt(large - 1), "serves other content"},
		"it ends early":     {registrytest.Truncate(large / 3), "ends after"},
		"it is always cut":  {registrytest.CutAnswer(0), "ends after 0"},
	} {
		for to, start := range map[string]starter{"pave's": registrytest.New, "distribution": registrytest.Distribution, "2.8": registrytest.Version2} {
			t.Run(name+", to "+to, func(t *testing.T) {
				p := newPair(t, registrytest.New, start, open, open)
				old := p.make.image("pub/app", "", "amd64", 1, 10)
				p.copies(t, p.options(t), p.entry(t, "pub/app", old, "library/app", "1"))
				e, _ := one(t, p)
				fine := p.make.image("pub/fine", "", "amd64", 77, 100)
				p.source.Break("GET", registrytest.Blob(p.make.layer()), -1, c.fault)
				if name == "it ends early" { // also when asked for the rest
					p.source.Heal()
					p.source.Break("GET", registrytest.Blob(p.make.layer()), 1, c.fault)
					p.source.Break("GET", registrytest.Blob(p.make.layer()), -1, registrytest.Truncate(0))
				}
				r, err := transfer.Copy(t.Context(), []transfer.Entry{e, p.entry(t, "pub/fine", fine, "library/fine", "1")}, p.options(t))
				wants(t, err, fault.Failed, c.says, p.make.layer(), "pub/app")
				if r.Failed != 1 || r.Copied != 1 {
					t.Errorf("result: %+v", r)
				}
				p.source.Heal()
				same(t, p.to, "library/app:1", old.Digest)
				same(t, p.to, "library/fine:1", fine.Digest)
				p.lacks(t, "library/app", p.make.layer())
			})
		}
	}
}

// lacks checks that the target has no such blob.
func (p *pair) lacks(t testing.TB, repo, digest string) {
	t.Helper()
	at, err := name.NewDigest(p.to.Ref(repo + "@" + digest))
	must(t, err)
	layer, err := remote.Layer(at, p.to.Client(t).Remote(t.Context())...)
	must(t, err)
	if _, err := layer.Size(); err == nil {
		t.Errorf("the target has %s", digest)
	}
}

func TestABlobThatIsAlteredOnceArrivesInTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		hurt func(p *pair)
	}{
		"by its source":       {func(p *pair) { p.source.Break("GET", "/blobs/", 1, registrytest.Corrupt(5)) }},
		"cut short":           {func(p *pair) { p.source.Break("GET", "/blobs/", 2, registrytest.Truncate(7)) }},
		"the manifest":        {func(p *pair) { p.source.Break("GET", "/manifests/", 1, registrytest.Corrupt(5)) }},
		"the manifest is cut": {func(p *pair) { p.source.Break("GET", "/manifests/", 1, registrytest.CutAnswer(20)) }},
		"on the way to the target": {func(p *pair) {
			p.target.Break("PUT", "/blobs/uploads/", 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				r.Body = flipped{r.Body}
				next.ServeHTTP(w, r)
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := plainly(t)
			e, d := one(t, p)
			c.hurt(p)
			p.copies(t, p.options(t), e)
			same(t, p.to, "library/app:1", d.Digest)
		})
	}
}

// flipped alters each first byte that is read.
type flipped struct {
	inner interface {
		Read([]byte) (int, error)
		Close() error
	}
}

func (f flipped) Read(b []byte) (int, error) {
	n, err := f.inner.Read(b)
	if n > 0 {
		b[0] ^= 0xff
	}
	return n, err
}

func (f flipped) Close() error { return f.inner.Close() }

func TestAManifestThatIsAlwaysAlteredIsRefused(t *testing.T) {
	p := usual(t)
	e, _ := one(t, p)
	p.source.Break("GET", "/manifests/", -1, registrytest.Corrupt(5))
	_, err := transfer.Copy(t.Context(), []transfer.Entry{e}, p.options(t))
	wants(t, err, fault.Failed, "not what the digest says")
	if n := p.target.Count("PUT", ""); n != 0 {
		t.Errorf("%d requests wrote something", n)
	}
}

func TestATokenMayExpireAtAnyTime(t *testing.T) {
	for _, end := range []struct{ name, method, path string }{
		{"before an upload", "POST", "/blobs/uploads/"},
		{"during an upload", "PUT", "/blobs/uploads/"},
		{"before a manifest", "PUT", "/manifests/"},
		{"before a question", "HEAD", "/blobs/"},
	} {
		for _, single := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, only single tokens: %v", end.name, single), func(t *testing.T) {
				p := newPair(t, registrytest.New, registrytest.Distribution, registrytest.Options{}, registrytest.Options{Tokens: true})
				p.to.Tokens.Single = single
				e, d := one(t, p)
				other := p.entry(t, "pub/app", d, "library/other", "1")
				p.target.Break(end.method, end.path, 1, registrytest.Before(p.to.Tokens.Expire))
				p.copies(t, p.options(t), e, other)
				same(t, p.to, "library/app:1", d.Digest)
				same(t, p.to, "library/other:1", d.Digest)
			})
		}
	}
	t.Run("and need not be for all that it was asked for", func(t *testing.T) {
		p := newPair(t, registrytest.New, registrytest.Distribution, registrytest.Options{}, registrytest.Options{Tokens: true})
		p.to.Tokens.First = true
		e, d := one(t, p)
		p.copies(t, p.options(t), e, p.entry(t, "pub/app", d, "library/other", "1"), p.entry(t, "pub/app", d, "library/third", "1"))
		same(t, p.to, "library/third:1", d.Digest)
	})
	t.Run("when half of a layer is sent", func(t *testing.T) {
		p := newPair(t, registrytest.New, registrytest.Distribution, registrytest.Options{}, registrytest.Options{Tokens: true})
		e, d := one(t, p)
		p.target.Break("PUT", "/blobs/uploads/", 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			p.to.Tokens.Expire()
			registrytest.CutBody(large/2)(w, r, next)
		})
		p.copies(t, p.options(t), e)
		same(t, p.to, "library/app:1", d.Digest)
	})
}

func TestATargetWithoutRoomIsNamedAndOthersGoOn(t *testing.T) {
	for name, answer := range map[string]registrytest.Fault{
		"507":            registrytest.Answer(507, `{"errors":[]}`),
		"a full disk":    registrytest.Answer(500, `{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":"write /data: no space left on device"}]}`),
		"Harbor's quota": registrytest.Answer(412, `{"errors":[{"code":"PRECONDITION","message":"adding 4.0 MiB of storage resource, which when updated to current usage will exceed the configured upper limit"}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			p := plainly(t)
			e, _ := one(t, p)
			fine := p.make.image("pub/fine", "", "amd64", 77, 100)
			p.target.Break("PUT", "library/app/blobs/uploads/", -1, answer)
			r, err := transfer.Copy(t.Context(), []transfer.Entry{e, p.entry(t, "pub/fine", fine, "library/fine", "1")}, p.options(t))
			wants(t, err, fault.Failed, "no room in library/app", "free space")
			if r.Failed != 1 || r.Copied != 1 {
				t.Errorf("result: %+v", r)
			}
			same(t, p.to, "library/fine:1", fine.Digest)
			if n := p.target.Count("PUT", "library/app/blobs/uploads/"); n > 2 { // the layer's and the config's
				t.Errorf("it was tried %d times", n)
			}
		})
	}
}

func TestAnInterruptedRunMovesNoTag(t *testing.T) {
	p := plainly(t)
	e, d := one(t, p)
	ctx, stop := context.WithCancel(t.Context())
	p.source.Break("GET", registrytest.Blob(p.make.layer()), 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		stop()
		registrytest.CutAnswer(large/2)(w, r, next)
	})
	_, err := transfer.Copy(ctx, []transfer.Entry{e}, p.options(t))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if n := p.target.Count("PUT", "/manifests/"); n != 0 {
		t.Errorf("%d manifests were pushed", n)
	}
	p.copies(t, p.options(t), e)
	same(t, p.to, "library/app:1", d.Digest)
}

func TestErrorsNameTheRegistryAndTheRemedy(t *testing.T) {
	p := usual(t)
	e, _ := one(t, p)
	t.Run("what is not at its source", func(t *testing.T) {
		gone := e
		gone.Source = e.Source.Digest("sha256:" + strings.Repeat("0", 64))
		_, err := transfer.Copy(t.Context(), []transfer.Entry{gone}, p.options(t))
		wants(t, err, fault.Failed, "not there any more")
	})
	t.Run("a target that refuses the password", func(t *testing.T) {
		o := p.options(t)
		o.Target = p.from.Client(t) // trusts another authority
		_, err := transfer.Copy(t.Context(), []transfer.Entry{e}, o)
		wants(t, err, fault.Failed, p.to.Host, "--ca-file")
	})
}
