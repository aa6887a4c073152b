package mirror_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// child is what a process that is killed does.
type child struct {
	Verb             string // approve or run
	List             string
	Sources, Targets registry.Options
}

func TestMain(m *testing.M) {
	killtest.Main(m, func(ctx context.Context, c child) error { return c.do(ctx) })
}

func (c child) do(ctx context.Context) error {
	common := mirror.Common{List: c.List, Sources: c.Sources, Registry: c.Targets}
	if c.Verb == "approve" {
		_, err := mirror.Approve(ctx, mirror.ApproveOptions{
			Common: common, All: true, By: "jane", Scan: scanLabels, Now: func() time.Time { return time.Unix(0, 0) },
		})
		return err
	}
	_, err := mirror.Run(ctx, mirror.RunOptions{Common: common, Scan: scanLabels, Sign: signer(c.Targets), Prune: true})
	return err
}

// killer kills a process at its nth request, before or after it is answered.
type killer struct {
	mu    sync.Mutex
	seen  int
	at    int // 0: never
	after bool
	kill  func()
}

// arm counts from now on.
func (k *killer) arm(at int, after bool, kill func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen, k.at, k.after, k.kill = 0, at, after, kill
}

func (k *killer) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		k.seen++
		hit, after, kill := k.seen == k.at, k.after, k.kill
		k.mu.Unlock()
		if !hit {
			next.ServeHTTP(w, r)
			return
		}
		if after {
			next.ServeHTTP(nobody{http.Header{}}, r)
		}
		kill()
		panic(http.ErrAbortHandler)
	})
}

// nobody is a client that does not get the answer.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header         { return n.header }
func (n nobody) Write(b []byte) (int, error) { return len(b), nil }
func (n nobody) WriteHeader(int)             {}

// run runs a verb in a process of its own and kills it at its nth request. It
// tells whether the process lived long enough to send so many.
func (k *killer) run(t *testing.T, c child, at int, after bool) bool {
	t.Helper()
	defer k.arm(0, false, nil)
	return killtest.Run(t, c, func(kill func()) { k.arm(at, after, kill) })
}

// killLab is a lab with something of each kind to do: a tag that was approved anew,
// and one that left the list.
func killLab(t *testing.T, k *killer) (*lab, child) {
	t.Helper()
	l := labOf(t, registrytest.Distribution(t, registrytest.Options{Plain: true, Anonymous: true, Wrap: k.wrap}),
		registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true, Wrap: k.wrap}))
	l.push(t, "a:1", image(t, "linux/amd64", "old", 0))
	l.push(t, "left:1", image(t, "linux/amd64", "left", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']", "name: left, source: SOURCE/left, tags: ['1']")
	l.approve(t)
	l.run(t)
	l.push(t, "a:1", multi(t, "new", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	return l, child{List: l.path(), Sources: l.source.Options(), Targets: l.target.Options()}
}

// TestAKilledRunIsFinishedByTheNext kills a run at each of its requests. After
// every kill each tag at the target stands for signed content, and the next run
// does the rest.
func TestAKilledRunIsFinishedByTheNext(t *testing.T) {
	kills := 0
	for at := 1; ; at++ {
		var k killer
		l, c := killLab(t, &k)
		l.approve(t)
		c.Verb = "run"
		if !k.run(t, c, at, at%2 == 0) {
			break
		}
		kills++
		l.checkSigned(t)
		o := l.runOptions()
		o.Prune = true
		if _, err := mirror.Run(t.Context(), o); err != nil {
			t.Fatalf("after a kill at request %d: %v", at, err)
		}
		l.checkSigned(t)
		r, err := mirror.Run(t.Context(), o)
		must(t, err)
		if r.Count(mirror.Present) != 1 || len(r.Items) != 1 {
			t.Fatalf("after a kill at request %d and another run: %+v", at, r.Items)
		}
	}
	if kills < 30 {
		t.Errorf("only %d requests were seen", kills)
	}
}

// checkSigned looks at the tags that there are.
func (l *lab) checkSigned(t *testing.T) {
	t.Helper()
	for _, name := range []string{"a", "left"} {
		if digest := at(t, l.target, "library/"+name+":1"); digest != "" && l.signatures(t, "library/"+name, digest) == 0 {
			t.Errorf("%s is tagged and not signed", name)
		}
	}
}

// TestAKilledApprovalLeavesAllOrNothing kills an approval at each of its requests:
// the lock is what it was.
func TestAKilledApprovalLeavesAllOrNothing(t *testing.T) {
	var k killer
	l, c := killLab(t, &k)
	c.Verb = "approve"
	lockPath := imagelist.LockPath(l.path())
	before, err := os.ReadFile(lockPath)
	must(t, err)
	kills := 0
	for at := 1; k.run(t, c, at, at%2 == 0); at++ {
		kills++
		now, err := os.ReadFile(lockPath)
		must(t, err)
		if string(now) != string(before) {
			t.Fatalf("killed at request %d: the lock changed", at)
		}
		if others, _ := filepath.Glob(filepath.Join(l.dir, ".*")); len(others) != 0 {
			t.Fatalf("killed at request %d: left behind %v", at, others)
		}
	}
	if kills < 5 {
		t.Errorf("only %d requests were seen", kills)
	}
	if now, err := os.ReadFile(lockPath); err != nil || string(now) == string(before) {
		t.Errorf("the last one was not killed, and approved nothing: %v", err)
	}
}
