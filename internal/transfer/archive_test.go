package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/transfer"
)

// far is the registry on the other side of the gap.
func (p *pair) importing(t testing.TB, path string) transfer.ImportOptions {
	t.Helper()
	reg, err := name.NewRegistry(p.to.Host)
	must(t, err)
	return transfer.ImportOptions{Target: p.to.Client(t), Registry: reg, Path: path}
}

func (p *pair) export(t testing.TB, o transfer.ExportOptions, entries ...transfer.Entry) transfer.ArchiveResult {
	t.Helper()
	o.Source = p.from.Client(t)
	r, err := transfer.Export(t.Context(), entries, o)
	must(t, err)
	return r
}

func TestAnArchiveCarriesEveryKindAcross(t *testing.T) {
	for to, start := range map[string]starter{"pave's": registrytest.New, "distribution": registrytest.Distribution, "2.8": registrytest.Version2} {
		t.Run("to "+to, func(t *testing.T) {
			p := newPair(t, registrytest.New, start, registrytest.Options{}, registrytest.Options{})
			made := p.make.kinds("pub/app")
			var entries []transfer.Entry
			for i, kind := range slices.Sorted(maps.Keys(made)) {
				entries = append(entries, p.entry(t, "pub/app", made[kind], "library/x"+string(rune('a'+i)), "1.0", "1"))
			}
			path := filepath.Join(t.TempDir(), "out", "archive.tar")
			x := p.export(t, transfer.ExportOptions{Path: path}, entries...)
			info, err := os.Stat(path)
			must(t, err)
			if x.Size != info.Size() || x.LeftOut != 0 || x.Copied != len(entries) {
				t.Errorf("the export: %+v", x)
			}
			layout, err := ociarchive.OpenLayout(t.Context(), path) // anybody's reader
			must(t, err)
			must(t, layout.Close())

			o := p.importing(t, path)
			o.Digest = x.Digest
			r, err := transfer.Import(t.Context(), o)
			must(t, err)
			if r.Copied != len(entries) || r.Digest != x.Digest {
				t.Errorf("the import: %+v", r)
			}
			for i, kind := range slices.Sorted(maps.Keys(made)) {
				same(t, p.to, entries[i].Target.RepositoryStr()+":1.0", made[kind].Digest)
				same(t, p.to, entries[i].Target.RepositoryStr()+":1", made[kind].Digest)
			}
			again, err := transfer.Import(t.Context(), o)
			must(t, err)
			if again.Present != len(entries) || again.Bytes != 0 {
				t.Errorf("the second import: %+v", again)
			}
		})
	}
}

func TestTheSameEntriesGiveTheSameArchive(t *testing.T) {
	p := usual(t)
	entries := []transfer.Entry{
		p.entry(t, "pub/app", p.make.multi("pub/app", "", 1), "library/app", "1"),
		p.entry(t, "pub/b", p.make.image("pub/b", "", "amd64", 3, 2<<20, 100), "library/b", "2"),
	}
	dir := t.TempDir()
	one, two := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	p.export(t, transfer.ExportOptions{Path: one}, entries...)
	p.source.Break("GET", "/blobs/", 2, registrytest.CutAnswer(50)) // what happens on the way does not matter
	p.source.Break("GET", "/blobs/", 1, registrytest.Corrupt(5))
	p.export(t, transfer.ExportOptions{Path: two}, entries...)
	if !bytes.Equal(read(t, one), read(t, two)) {
		t.Error("the archives differ")
	}
}

func TestAnArchiveCarriesWhatRefersToItsEntries(t *testing.T) {
	for to, start := range map[string]starter{"with the API": registrytest.New, "without": registrytest.Distribution} {
		t.Run("to a registry "+to, func(t *testing.T) {
			p := newPair(t, registrytest.New, start, registrytest.Options{}, registrytest.Options{})
			d := p.make.image("pub/app", "", "amd64", 1, 100)
			sbom := p.make.refer("pub/app", "application/sbom", d, true)
			signed := p.make.refer("pub/app", "application/signature", sbom, true)
			legacy := p.make.image("pub/app", "sha256-"+d.Digest.Hex+".att", "amd64", 50, 10)
			path := filepath.Join(t.TempDir(), "archive.tar")
			e := p.entry(t, "pub/app", d, "library/app", "1")
			p.export(t, transfer.ExportOptions{Path: path, Referrers: transfer.ReferrersOnCopy}, e)
			r, err := transfer.Import(t.Context(), p.importing(t, path))
			must(t, err)
			if r.Entries[0].Referrers != 3 {
				t.Errorf("%d came along, want 3", r.Entries[0].Referrers)
			}
			for subject, want := range map[v1.Hash]v1.Descriptor{d.Digest: sbom, sbom.Digest: signed} {
				got := referrers(t, p.to, "library/app", subject)[want.Digest]
				if got.ArtifactType != want.ArtifactType || got.Annotations["kind"] != want.ArtifactType || len(got.Annotations) != 1 {
					t.Errorf("%s: %+v", want.ArtifactType, got)
				}
			}
			same(t, p.to, "library/app:sha256-"+d.Digest.Hex+".att", legacy.Digest)
		})
	}
}

func TestWhatTheOtherSideHasIsLeftOut(t *testing.T) {
	for to, start := range map[string]starter{"that mounts": registrytest.Distribution, "that does not": registrytest.New} {
		t.Run("a registry "+to, func(t *testing.T) {
			p := newPair(t, registrytest.New, start, registrytest.Options{}, registrytest.Options{})
			dir := t.TempDir()
			base := p.entry(t, "pub/a", p.make.image("pub/a", "", "amd64", 1, 2<<20), "library/a", "1")
			d := p.make.image("pub/b", "", "arm64", 1, 2<<20, 5000)
			further := p.entry(t, "pub/b", d, "library/b", "1")

			first, second := filepath.Join(dir, "1.tar"), filepath.Join(dir, "2.tar")
			whole := p.export(t, transfer.ExportOptions{Path: first}, base)
			r, err := transfer.Import(t.Context(), p.importing(t, first))
			must(t, err)
			must(t, r.Inventory.Write(filepath.Join(dir, "inventory.json")))

			have, err := transfer.ReadInventory(filepath.Join(dir, "inventory.json"))
			must(t, err)
			part := p.export(t, transfer.ExportOptions{Path: second, Have: have}, base, further)
			if part.LeftOut != 2 || part.Size > whole.Size/10 {
				t.Errorf("the second archive: %+v", part)
			}
			r, err = transfer.Import(t.Context(), p.importing(t, second))
			must(t, err)
			if r.Copied != 1 || r.Present != 1 {
				t.Errorf("the second import: %+v", r)
			}
			same(t, p.to, "library/b:1", d.Digest)

			taken, err := transfer.TakeInventory(t.Context(), []transfer.Entry{base, further, p.entry(t, "x", d, "library/none", "1")}, p.to.Client(t))
			must(t, err)
			if len(taken.Blobs) != 4 {
				t.Errorf("the inventory has %d blobs, want 4", len(taken.Blobs))
			}

			t.Run("and one that does not have it is told", func(t *testing.T) {
				empty := newPair(t, registrytest.New, start, registrytest.Options{}, registrytest.Options{})
				_, err := transfer.Import(t.Context(), empty.importing(t, second))
				wants(t, err, fault.Input, "was left out", "inventory")
				if n := empty.target.Count("PUT", "") + empty.target.Count("POST", ""); n != 0 {
					t.Errorf("%d requests wrote something", n)
				}
			})
		})
	}
}

func TestAnArchiveThatIsNotWholeMovesNoTag(t *testing.T) {
	p := usual(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "archive.tar")
	x := p.export(t, transfer.ExportOptions{Path: path}, p.entry(t, "pub/app", p.make.image("pub/app", "", "amd64", 1, 5000), "library/app", "1"))
	good := read(t, path)
	layer := bytes.Index(good, noise(1, 5000))
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"a byte of a layer is another": {altered(good, layer+17), "is altered"},
		"it ends early":                {good[:len(good)/2], "truncated"},
		"a blob is renamed":            {bytes.Replace(good, good[layer-512:layer-412], append([]byte("blobs/other/"), good[layer-500:layer-412]...), 1), "damaged"},
		"it is no archive":             {[]byte("hello"), ""},
		"a tag is another":             {bytes.Replace(good, []byte("library/app:1"), []byte("library/app:2"), 1), "the archive is sha256:"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := filepath.Join(t.TempDir(), "bad.tar")
			must(t, os.WriteFile(bad, c.content, 0o600))
			p.target.Reset()
			o := p.importing(t, bad)
			o.Digest = x.Digest
			_, err := transfer.Import(t.Context(), o)
			wants(t, err, fault.Input, c.says)
			if n := len(p.target.Requests()); n != 0 {
				t.Errorf("the registry was asked %d times", n)
			}
		})
	}
}

func altered(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 0xff
	return b
}

func TestAnExportThatFailsKeepsTheEarlierFile(t *testing.T) {
	p := usual(t)
	path := filepath.Join(t.TempDir(), "archive.tar")
	must(t, os.WriteFile(path, []byte("earlier"), 0o600))
	e := p.entry(t, "pub/app", p.make.image("pub/app", "", "amd64", 1, 5000), "library/app", "1")
	p.source.Break("GET", "/blobs/", -1, registrytest.Corrupt(3))
	_, err := transfer.Export(t.Context(), []transfer.Entry{e}, transfer.ExportOptions{Source: p.from.Client(t), Path: path})
	wants(t, err, fault.Failed, "serves other content")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := transfer.Export(ctx, []transfer.Entry{e}, transfer.ExportOptions{Source: p.from.Client(t), Path: path}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if string(read(t, path)) != "earlier" || len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}
