package transfer_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/transfer"
)

type starter func(testing.TB, registrytest.Options) *registrytest.Registry

// registries are of different make, and let in differently.
var makes = map[string]struct {
	start   starter
	options registrytest.Options
}{
	"pave's, TLS and a password":           {registrytest.New, registrytest.Options{}},
	"distribution 3, HTTP/2 and tokens":    {registrytest.Distribution, registrytest.Options{Tokens: true, HTTP2: true}},
	"distribution 3, plain and open":       {registrytest.Distribution, registrytest.Options{Plain: true, Anonymous: true}},
	"Docker's registry 2.8, TLS, password": {registrytest.Version2, registrytest.Options{}},
}

// pair is a source and a target with what tests need of them.
type pair struct {
	from, to       *registrytest.Registry
	source, target *registrytest.Front
	make           *maker
}

func newPair(t testing.TB, from, to starter, fromOptions, toOptions registrytest.Options) *pair {
	t.Helper()
	p := &pair{source: &registrytest.Front{}, target: &registrytest.Front{}}
	fromOptions.Wrap, toOptions.Wrap = p.source.Wrap, p.target.Wrap
	p.from, p.to = from(t, fromOptions), to(t, toOptions)
	p.make = newMaker(t, p.from)
	return p
}

// usual is a pair of pave's registry and distribution, over TLS with passwords.
func usual(t testing.TB) *pair {
	return newPair(t, registrytest.New, registrytest.Distribution, registrytest.Options{}, registrytest.Options{})
}

// plainly is usual without what takes time in every test of many.
func plainly(t testing.TB) *pair {
	return newPair(t, registrytest.New, registrytest.Distribution, open, open)
}

func (p *pair) entry(t testing.TB, from string, d v1.Descriptor, to string, tags ...string) transfer.Entry {
	t.Helper()
	source, err := name.NewRepository(p.from.Ref(from))
	must(t, err)
	target, err := name.NewRepository(p.to.Ref(to))
	must(t, err)
	return transfer.Entry{Source: source.Digest(d.Digest.String()), Target: target, Tags: tags}
}

func (p *pair) options(t testing.TB) transfer.Options {
	return transfer.Options{Source: p.from.Client(t), Target: p.to.Client(t)}
}

// copies runs Copy, which must succeed. Both sides forget what was asked before.
func (p *pair) copies(t testing.TB, o transfer.Options, entries ...transfer.Entry) transfer.Result {
	t.Helper()
	p.source.Reset()
	p.target.Reset()
	r, err := transfer.Copy(t.Context(), entries, o)
	must(t, err)
	return r
}

func TestEveryKindOfArtefactArrivesByteForByte(t *testing.T) {
	for from, source := range makes {
		for to, target := range makes {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				p := newPair(t, source.start, target.start, source.options, target.options)
				made := p.make.kinds("pub/app")
				var entries []transfer.Entry
				for i, kind := range slices.Sorted(maps.Keys(made)) {
					entries = append(entries, p.entry(t, "pub/app", made[kind], "library/x"+string(rune('a'+i)), "1.0", "1"))
				}
				r := p.copies(t, p.options(t), entries...)
				if r.Copied != len(entries) {
					t.Errorf("%d copied of %d", r.Copied, len(entries))
				}
				for i, kind := range slices.Sorted(maps.Keys(made)) {
					for _, tag := range entries[i].Tags {
						same(t, p.to, entries[i].Target.RepositoryStr()+":"+tag, made[kind].Digest)
					}
					if r.Entries[i].Digest != made[kind].Digest || r.Entries[i].Status != transfer.Copied {
						t.Errorf("%s: %+v", kind, r.Entries[i])
					}
				}
				again := p.copies(t, p.options(t), entries...)
				if again.Present != len(entries) || again.Bytes != 0 || again.Manifests != 0 {
					t.Errorf("the second run: %+v", again)
				}
			})
		}
	}
}

func TestNothingToDoTakesOneHeadForEachTagAndNothingOfTheSource(t *testing.T) {
	for name, options := range map[string]registrytest.Options{"a password": {}, "tokens": {Tokens: true}, "HTTP/2": {HTTP2: true}} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, registrytest.New, registrytest.Distribution, registrytest.Options{}, options)
			var entries []transfer.Entry
			for i := range 40 {
				repo := "pub/app" + string(rune('a'+i%26)) + string(rune('a'+i/26))
				entries = append(entries, p.entry(t, repo, p.make.image(repo, "", "amd64", uint64(i), 100), strings.Replace(repo, "pub", "library", 1), "1"))
			}
			o := p.options(t)
			p.copies(t, o, entries...)
			r := p.copies(t, o, entries...)
			if r.Present != 40 || r.Requests.Source != 0 || len(p.source.Requests()) != 0 {
				t.Errorf("%d present, requests %+v", r.Present, r.Requests)
			}
			if n := len(p.target.Requests()); n > 44 || r.Requests.Target > 44 {
				t.Errorf("%d requests to the target (%d counted) for 40 tags", n, r.Requests.Target)
			}
			if n := p.target.Count("GET", "/manifests/"); n != 0 {
				t.Errorf("%d manifests were got from the target", n)
			}
		})
	}
}

func TestABlobIsSentOnceForAllEntries(t *testing.T) {
	p := usual(t)
	one := p.make.image("pub/a", "", "amd64", 1, 2<<20, 5000)
	two := p.make.image("pub/b", "", "arm64", 1, 2<<20, 5000, 777)
	r := p.copies(t, p.options(t), p.entry(t, "pub/a", one, "library/a", "1"), p.entry(t, "pub/b", two, "library/b", "1"))
	if r.Blobs != (transfer.Blobs{Sent: 5, Mounted: 2}) {
		t.Errorf("blobs: %+v", r.Blobs)
	}
	if got := p.source.Count("GET", "/blobs/"); got != 5 {
		t.Errorf("%d blobs were read, want 5", got)
	}
	same(t, p.to, "library/a:1", one.Digest)
	same(t, p.to, "library/b:1", two.Digest)

	// A third image comes later: its base is mounted from what is there.
	three := p.make.image("pub/c", "", "s390x", 1, 2<<20)
	r = p.copies(t, p.options(t), p.entry(t, "pub/a", one, "library/a", "1"), p.entry(t, "pub/c", three, "library/c", "1"))
	if r.Blobs.Mounted != 1 || r.Present != 1 {
		t.Errorf("a later image: %+v", r)
	}
	same(t, p.to, "library/c:1", three.Digest)
}

func TestChosenPlatformsGiveAnIndexOfTheirOwn(t *testing.T) {
	p := usual(t)
	amd, arm := p.make.image("pub/app", "", "amd64", 1, 100), p.make.image("pub/app", "", "arm64", 2, 100)
	attestation := p.make.put("pub/app", "", "application/vnd.oci.image.manifest.v1+json", manifest{
		"config": p.make.blob("pub/app", "application/vnd.oci.image.config.v1+json", []byte("{}")), "layers": []v1.Descriptor{},
	})
	attestation.Platform = &v1.Platform{OS: "unknown", Architecture: "unknown"}
	attestation.Annotations = map[string]string{"vnd.docker.reference.digest": arm.Digest.String()}
	whole := p.make.index("pub/app", "", amd, arm, attestation)
	e := p.entry(t, "pub/app", whole, "library/app", "1")
	e.Platforms = []v1.Platform{{OS: "linux", Architecture: "arm64"}}

	r := p.copies(t, p.options(t), e)
	pushed := r.Entries[0].Digest
	if pushed == whole.Digest {
		t.Error("the index of one platform has the digest of the whole")
	}
	same(t, p.to, "library/app:1", pushed)
	if n := p.target.Count("PUT", "/manifests/"); n != 3 {
		t.Errorf("%d manifests were pushed, want the image, its attestation and the index", n)
	}
	again := p.copies(t, p.options(t), e)
	if again.Present != 1 || again.Entries[0].Digest != pushed || again.Requests.Source > 3 {
		t.Errorf("the second run: %+v", again)
	}
	e.Known = pushed
	if known := p.copies(t, p.options(t), e); known.Present != 1 || known.Requests.Source != 0 {
		t.Errorf("with the digest known: %+v", known)
	}

	t.Run("a platform that is not there is refused", func(t *testing.T) {
		e.Platforms, e.Known = []v1.Platform{{OS: "linux", Architecture: "riscv64"}}, v1.Hash{}
		_, err := transfer.Copy(t.Context(), []transfer.Entry{e}, p.options(t))
		wants(t, err, fault.Input, "linux/riscv64", "linux/amd64")
	})
	t.Run("an image for another platform is refused", func(t *testing.T) {
		e := p.entry(t, "pub/app", amd, "library/other", "1")
		e.Platforms = []v1.Platform{{OS: "linux", Architecture: "arm64"}}
		_, err := transfer.Copy(t.Context(), []transfer.Entry{e}, p.options(t))
		wants(t, err, fault.Input, "linux/amd64 only")
	})
}

func TestASparseIndexKeepsItsDigestWhereTheTargetTakesIt(t *testing.T) {
	for name, c := range map[string]struct {
		target  starter
		options registrytest.Options
		taken   bool
	}{
		"taken":             {registrytest.Distribution, registrytest.Options{Sparse: true}, true},
		"refused by 2.8":    {registrytest.Version2, registrytest.Options{}, false},
		"refused by v3.1":   {registrytest.Distribution, registrytest.Options{}, false},
		"refused by pave's": {registrytest.New, registrytest.Options{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, registrytest.New, c.target, registrytest.Options{}, c.options)
			whole := p.make.multi("pub/app", "", 1)
			e := p.entry(t, "pub/app", whole, "library/app", "1")
			e.Platforms = []v1.Platform{{OS: "linux", Architecture: "amd64"}}
			o := p.options(t)
			o.Sparse = true
			r := p.copies(t, o, e)
			if got := r.Entries[0].Digest == whole.Digest; got != c.taken {
				t.Errorf("the digest is kept: %v, want %v", got, c.taken)
			}
			if again := p.copies(t, o, e); again.Present != 1 {
				t.Errorf("the second run: %+v", again)
			}
		})
	}
}

func TestForeignLayersStayWhereTheyAre(t *testing.T) {
	foreign := func(p *pair) v1.Descriptor {
		layer := p.make.blob("pub/win", "application/vnd.docker.image.rootfs.diff.tar.gzip", noise(3, 900))
		layer.MediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
		layer.URLs = []string{"https://example.org/layer"}
		return p.make.put("pub/win", "", "application/vnd.docker.distribution.manifest.v2+json", manifest{
			"config": p.make.blob("pub/win", "application/vnd.docker.container.image.v1+json", []byte("{}")), "layers": []v1.Descriptor{layer},
		})
	}
	t.Run("as a target allows", func(t *testing.T) {
		p := newPair(t, registrytest.New, registrytest.Distribution, registrytest.Options{}, registrytest.Options{ForeignURLs: true})
		d := foreign(p)
		if r := p.copies(t, p.options(t), p.entry(t, "pub/win", d, "library/win", "1")); r.Blobs.Sent != 1 {
			t.Errorf("blobs: %+v", r.Blobs)
		}
		same(t, p.to, "library/win:1", d.Digest)
	})
	t.Run("or come along", func(t *testing.T) {
		p := newPair(t, registrytest.New, registrytest.New, registrytest.Options{}, registrytest.Options{})
		o := p.options(t)
		o.ForeignLayers = true
		if r := p.copies(t, o, p.entry(t, "pub/win", foreign(p), "library/win", "1")); r.Blobs.Sent != 2 {
			t.Errorf("blobs: %+v", r.Blobs)
		}
	})
	t.Run("and a target that does not allow it is named", func(t *testing.T) {
		p := usual(t)
		_, err := transfer.Copy(t.Context(), []transfer.Entry{p.entry(t, "pub/win", foreign(p), "library/win", "1")}, p.options(t))
		wants(t, err, fault.Failed, "lie elsewhere", "validation.manifests.urls.allow")
	})
}

func TestAMovedTagIsToldAndADryRunChangesNothing(t *testing.T) {
	p := usual(t)
	one, two := p.make.image("pub/app", "", "amd64", 1, 100), p.make.image("pub/app", "", "amd64", 2, 100)
	p.copies(t, p.options(t), p.entry(t, "pub/app", one, "library/app", "1"))
	dry := p.options(t)
	dry.DryRun = true
	r := p.copies(t, dry, p.entry(t, "pub/app", two, "library/app", "1", "2"))
	e := r.Entries[0]
	if e.Status != transfer.WouldCopy || r.Bytes == 0 || e.Moved["1"] != one.Digest || len(e.Moved) != 1 {
		t.Errorf("the dry run: %+v", r)
	}
	for _, asked := range p.target.Requests() {
		if asked.Method != http.MethodHead && asked.Method != http.MethodGet {
			t.Errorf("the dry run asked %s %s", asked.Method, asked.Path)
		}
	}
	same(t, p.to, "library/app:1", one.Digest)
	if r := p.copies(t, p.options(t), p.entry(t, "pub/app", two, "library/app", "1", "2")); r.Entries[0].Moved["1"] != one.Digest {
		t.Errorf("the run: %+v", r.Entries[0])
	}
	same(t, p.to, "library/app:1", two.Digest)
	same(t, p.to, "library/app:2", two.Digest)
}

func TestProgressEndsWithEverything(t *testing.T) {
	p := usual(t)
	var last transfer.Progress
	done := 0
	o := p.options(t)
	o.Progress = func(n transfer.Progress) { last = n }
	o.Done = func(transfer.EntryResult) { done++ }
	r := p.copies(t, o, p.entry(t, "pub/app", p.make.multi("pub/app", "", 1), "library/app", "1"))
	if last.Bytes != r.Bytes || last.Total != r.Bytes || last.Done != 1 || last.Known != 1 || done != 1 {
		t.Errorf("the last progress is %+v, the result %+v", last, r)
	}
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	p := usual(t)
	one, two := p.make.image("pub/app", "", "amd64", 1, 100), p.make.image("pub/app", "", "amd64", 2, 100)
	for name, c := range map[string]struct {
		entries []transfer.Entry
		says    string
	}{
		"an entry without a tag":     {[]transfer.Entry{p.entry(t, "pub/app", one, "library/app")}, "has no tag"},
		"a tag for two digests":      {[]transfer.Entry{p.entry(t, "pub/app", one, "library/app", "1"), p.entry(t, "pub/app", two, "library/app", "1")}, "is to be both"},
		"entries for two registries": {[]transfer.Entry{p.entry(t, "pub/app", one, "library/app", "1"), {Source: p.entry(t, "pub/app", one, "x", "1").Source, Target: p.make.repo("x"), Tags: []string{"1"}}}, "one registry at a time"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := transfer.Copy(context.Background(), c.entries, p.options(t))
			wants(t, err, fault.Input, c.says)
		})
	}
}

// wants checks an error's kind and words.
func wants(t testing.TB, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it went well")
	}
	if fault.KindOf(err) != kind {
		t.Errorf("kind %v, want %v: %v", fault.KindOf(err), kind, err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines: %q", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}
