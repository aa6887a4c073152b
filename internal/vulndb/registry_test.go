package vulndb_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/vulndb"
	"github.com/pave-platform/pave/internal/vulndb/defaults"
)

const mirror = "security/trivy-db:2"

func push(t *testing.T, r *registrytest.Registry, updated time.Time) vulndb.Pushed {
	t.Helper()
	p, err := vulndb.Push(t.Context(), r.Client(t), demo(t, updated), r.Ref(mirror))
	must(t, err)
	return p
}

func TestAPrivateMirror(t *testing.T) {
	for name, start := range map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
		"with referrers": registrytest.New, "distribution": registrytest.Distribution,
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, registrytest.Options{})
			pushed := push(t, r, time.Time{})
			output := filepath.Join(t.TempDir(), "new", "database")
			d, ref, err := vulndb.Pull(t.Context(), r.Client(t), []string{r.Ref(mirror)}, output, defaults.MaxAge)
			must(t, err)
			if ref != pushed.Ref || d.Name != "pave demo database" || d.Dir != output {
				t.Errorf("got %s, %+v", ref, d)
			}
			if _, err := vulndb.Check(output, defaults.MaxAge, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheNextRepositoryIsTried(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true})
	push(t, r, time.Time{})
	refs := []string{closed(t) + "/trivy-db:2", r.Ref("absent:2"), r.Ref(mirror)}
	_, ref, err := vulndb.Pull(t.Context(), r.Client(t), refs, t.TempDir(), defaults.MaxAge)
	must(t, err)
	if !strings.HasPrefix(ref, r.Ref("security/trivy-db@sha256:")) {
		t.Errorf("got %s", ref)
	}
}

func TestAFailedPullSaysWhyAndKeepsWhatWasThere(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	client := r.Client(t)
	img, err := random.Image(1000, 1)
	must(t, err)
	put(t, client, r.Ref("app:1"), img)
	two, err := random.Image(1000, 2)
	must(t, err)
	put(t, client, r.Ref("app:2"), two)
	stale := registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true})
	push(t, stale, time.Now().Add(-30*24*time.Hour))
	unknownCA, err := registry.New(registry.Options{})
	must(t, err)

	for name, c := range map[string]struct {
		client *registry.Client
		ref    string
		kind   fault.Kind
		want   []string
	}{
		"unreachable":         {client, closed(t) + "/trivy-db:2", fault.Failed, []string{"refuses connections", "mirror trivy-db", "--database"}},
		"unknown CA":          {unknownCA, r.Ref(mirror), fault.Failed, []string{"unknown authority", "--ca-file"}},
		"not there":           {client, r.Ref("absent:2"), fault.Failed, []string{"absent:2"}},
		"an ordinary image":   {client, r.Ref("app:1"), fault.Failed, []string{"not a vulnerability database: its layer is"}},
		"two layers":          {client, r.Ref("app:2"), fault.Failed, []string{"2 layers instead of one"}},
		"a bad reference":     {client, "not a reference", fault.Input, []string{"not a reference"}},
		"a mirror left alone": {stale.Client(t), stale.Ref(mirror), fault.Failed, []string{stale.Ref(mirror) + " is stale", "30 days ago", "update the mirror"}},
	} {
		t.Run(name, func(t *testing.T) {
			output := demo(t, time.Time{})
			_, _, err := vulndb.Pull(t.Context(), c.client, []string{c.ref}, output, defaults.MaxAge)
			if err == nil || fault.KindOf(err) != c.kind {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			if _, err := vulndb.Check(output, defaults.MaxAge, time.Now()); err != nil {
				t.Errorf("the database that was there: %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(output), ".fetching-*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// broken serves blobs with their last byte changed.
func broken(on *atomic.Bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if on.Load() && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				w = &flip{w}
			}
			next.ServeHTTP(w, r)
		})
	}
}

type flip struct{ http.ResponseWriter }

func (f *flip) Write(p []byte) (int, error) {
	q := append([]byte{}, p...)
	q[len(q)-1] ^= 1
	return f.ResponseWriter.Write(q)
}

func TestADamagedDownloadIsRefused(t *testing.T) {
	var on atomic.Bool
	r := registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true, Wrap: broken(&on)})
	push(t, r, time.Time{})
	on.Store(true)
	output := filepath.Join(t.TempDir(), "database")
	if _, _, err := vulndb.Pull(t.Context(), r.Client(t), []string{r.Ref(mirror)}, output, defaults.MaxAge); err == nil {
		t.Error("accepted")
	}
	if _, err := os.Stat(output); err == nil {
		t.Error("something was written")
	}
}

// counting counts the blobs that are downloaded.
func counting(blobs *atomic.Int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				blobs.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	}
}

func TestACachedDatabaseIsNotDownloadedAgain(t *testing.T) {
	var blobs atomic.Int64
	r := registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true, Wrap: counting(&blobs)})
	push(t, r, time.Now().Add(-time.Hour))
	cache := t.TempDir()
	fetch := func() (vulndb.Database, string) {
		d, ref, err := vulndb.Fetch(t.Context(), r.Client(t), []string{r.Ref(mirror)}, cache, defaults.MaxAge)
		must(t, err)
		return d, ref
	}
	first, ref := fetch()
	once := blobs.Load()
	again, same := fetch()
	if blobs.Load() != once || again.Dir != first.Dir || same != ref {
		t.Errorf("the second fetch downloaded %d blobs into %s", blobs.Load()-once, again.Dir)
	}
	must(t, os.Truncate(filepath.Join(first.Dir, "trivy.db"), 4096))
	if repaired, _ := fetch(); repaired.Dir != first.Dir {
		t.Error("a damaged copy was not replaced")
	}
	pushed := push(t, r, time.Now())
	if newer, ref := fetch(); newer.Dir == first.Dir || ref != pushed.Ref {
		t.Error("a newer database in the registry was not noticed")
	}
}

func TestACancelledPullEnds(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true})
	push(t, r, time.Time{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	output := filepath.Join(t.TempDir(), "database")
	if _, _, err := vulndb.Pull(ctx, r.Client(t), []string{r.Ref(mirror)}, output, defaults.MaxAge); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(output); err == nil {
		t.Error("something was written")
	}
}

func put(t *testing.T, client *registry.Client, ref string, img remote.Taggable) {
	t.Helper()
	to, err := registry.ParseReference(ref)
	must(t, err)
	must(t, remote.Put(to, img, client.Remote(t.Context())...))
}

// closed is an address where nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}
