package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

func TestAnApprovalByDigestHoldsForWhatWasLookedAt(t *testing.T) {
	l := newLab(t)
	seen := l.push(t, "a:1", multi(t, "one", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	o := l.approveOptions()
	o.All, o.Refs = false, []string{"a:1@" + seen.String()}
	now := l.push(t, "a:1", multi(t, "two", 0))
	if _, err := mirror.Approve(t.Context(), o); fault.KindOf(err) != fault.Gate || !strings.Contains(err.Error(), now.String()) {
		t.Errorf("the tag moved meanwhile: %v", err)
	}
	if _, err := os.Stat(imagelist.LockPath(l.path())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a lock was written: %v", err)
	}
	o.Refs = []string{"a:1@" + now.String()}
	r, err := mirror.Approve(t.Context(), o)
	must(t, err)
	if a, _ := l.lock(t).Find("a", "1"); len(r.Approved) != 1 || string(a.Digest) != now.String() || a.By != "jane" || a.At != "2026-02-03T04:05:06Z" {
		t.Errorf("%+v", a)
	}
}

func TestOnlyWhatIsNamedIsApproved(t *testing.T) {
	l := newLab(t)
	for _, ref := range []string{"a:1", "a:2", "b:1"} {
		l.push(t, ref, image(t, "linux/amd64", ref[:1]+ref[2:], 0))
	}
	l.list(t, "name: a, source: SOURCE/a, tags: ['1', '2']", "name: b, source: SOURCE/b, tags: ['1']")
	for _, c := range []struct {
		ref  string
		want int
	}{{"a:2", 1}, {"a", 2}, {"b:1", 3}, {"b:1", 3}} {
		o := l.approveOptions()
		o.All, o.Refs = false, []string{c.ref}
		if _, err := mirror.Approve(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if n := len(l.lock(t).Approved); n != c.want {
			t.Errorf("after %s: %d approved, want %d", c.ref, n, c.want)
		}
	}
}

func TestWhatIsGoneCannotBeApproved(t *testing.T) {
	l := newLab(t)
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	o := l.approveOptions()
	if r, err := mirror.Approve(t.Context(), o); err != nil || len(r.Refused) != 0 {
		t.Errorf("not asked for: %+v, %v", r, err)
	}
	o.All, o.Refs, o.Reason = false, []string{"a:1"}, "I want it"
	if _, err := mirror.Approve(t.Context(), o); fault.KindOf(err) != fault.Gate || !strings.Contains(err.Error(), "a:1: upstream does not have it any more") {
		t.Errorf("asked for: %v", err)
	}
}

func TestAnApprovalGoesOnWhereASourceFails(t *testing.T) {
	l := newLab(t)
	l.push(t, "a:1", image(t, "linux/amd64", "a", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']", "name: b, source: '127.0.0.1:1/b/b', tags: ['1']")
	r, err := mirror.Approve(t.Context(), l.approveOptions())
	if fault.KindOf(err) != fault.Failed || len(r.Approved) != 1 || len(l.lock(t).Approved) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestADryApprovalWritesNothing(t *testing.T) {
	l := newLab(t)
	l.push(t, "a:1", image(t, "linux/amd64", "a", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	o := l.approveOptions()
	o.DryRun = true
	r, err := mirror.Approve(t.Context(), o)
	if err != nil || !r.Changed || len(r.Approved) != 1 || len(l.lock(t).Approved) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	var said bytes.Buffer
	r.Summary(&said)
	if !strings.Contains(said.String(), "dry run, not written") {
		t.Error(said.String())
	}
}

func TestASignatureThatDoesNotHoldIsRefused(t *testing.T) {
	l := newLab(t)
	l.push(t, "a:1", image(t, "linux/amd64", "a", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1'], publicKey: keys/a.pub")
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
		want string
	}{
		"it does not hold":       {fault.Gatef("no signature by this key\nand more"), fault.Gate, "a:1: no signature by this key"},
		"there is no such key":   {fault.Inputf("public key: no such file"), fault.Input, "no such file"},
		"the registry is silent": {fault.Failedf("connection reset"), fault.Failed, "connection reset"},
	} {
		o := l.approveOptions()
		o.Verify = func(_ context.Context, _ registry.Options, ref string, by mirror.Publisher) (string, error) {
			if !strings.Contains(ref, "/up/a@sha256:") || !strings.HasSuffix(by.KeyFile, "keys/a.pub") {
				t.Errorf("asked about %s with %+v", ref, by)
			}
			return "", c.err
		}
		if _, err := mirror.Approve(t.Context(), o); fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(l.lock(t).Approved) != 0 {
			t.Errorf("%s: it was approved", name)
		}
	}
}

func TestWithoutASignatureThereIsNoTag(t *testing.T) {
	l := newLab(t)
	h := l.push(t, "a:1", image(t, "linux/amd64", "a", 0))
	l.push(t, "b:1", image(t, "linux/amd64", "b", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']", "name: b, source: SOURCE/b, tags: ['1']")
	l.approve(t)
	o := l.runOptions()
	right := o.Sign
	o.Sign = func(ctx context.Context, ref string) (bool, error) {
		if strings.Contains(ref, h.String()) {
			return false, fault.Failedf("Vault is sealed")
		}
		return right(ctx, ref)
	}
	r, err := mirror.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "Vault is sealed") || at(t, l.target, "library/a:1") != "" || outcome(t, r, "b:1").State != mirror.Copied {
		t.Errorf("%+v, %v", r, err)
	}
	if r := l.run(t); outcome(t, r, "a:1").State != mirror.Copied || !outcome(t, r, "a:1").Signed {
		t.Errorf("the next run: %+v", r)
	}
}

func TestAnInterruptedRunSaysSo(t *testing.T) {
	l := newLab(t)
	l.push(t, "a:1", image(t, "linux/amd64", "a", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	l.approve(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := l.runOptions()
	o.Scan = func(context.Context, v1.Image, string, map[string]int) (mirror.Scanned, error) {
		cancel()
		return mirror.Scanned{}, ctx.Err()
	}
	if _, err := mirror.Run(ctx, o); !errors.Is(err, context.Canceled) || at(t, l.target, "library/a:1") != "" {
		t.Errorf("got %v", err)
	}
}

func TestTwoRunsAtATimeDoNotStandInEachOthersWay(t *testing.T) {
	l := newLab(t)
	var entries []string
	for _, n := range []string{"a", "b", "c"} {
		l.push(t, n+":1", multi(t, n, 0))
		entries = append(entries, "name: "+n+", source: SOURCE/"+n+", tags: ['1']")
	}
	l.list(t, entries...)
	l.approve(t)
	var both errgroup.Group
	for range 2 {
		both.Go(func() error {
			_, err := mirror.Run(t.Context(), l.runOptions())
			return err
		})
	}
	must(t, both.Wait())
	r := l.run(t)
	if r.Count(mirror.Present) != 3 {
		t.Errorf("%+v", r)
	}
	for _, i := range r.Items {
		if l.signatures(t, "library/"+i.Ref[:1], i.Digest) == 0 {
			t.Errorf("%s is not signed", i.Ref)
		}
	}
}

func TestAfterAChangeOfKeysAllIsSignedAgain(t *testing.T) {
	l := newLab(t)
	l.push(t, "a:1", image(t, "linux/amd64", "a", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	l.approve(t)
	o := l.runOptions()
	o.Sign = nil
	if _, err := mirror.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	o = l.runOptions()
	o.SignAll = true
	for _, want := range []bool{true, false} {
		r, err := mirror.Run(t.Context(), o)
		if got := outcome(t, r, "a:1"); err != nil || got.State != mirror.Present || got.Signed != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestAnAgeIsInDays(t *testing.T) {
	created := time.Now().Add(-50 * time.Hour)
	r := mirror.PlanResult{Items: []mirror.Item{{Ref: "a:1", Change: mirror.New, Created: &created, Size: 3 << 20}}}
	var said bytes.Buffer
	r.Summary(&said)
	if !strings.Contains(said.String(), " 2d ") || !strings.Contains(said.String(), "3.0 MiB") {
		t.Error(said.String())
	}
}
