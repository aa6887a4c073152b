package imagelist

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/fault"
)

func approval(name, tag, fill string) Approved {
	return Approved{
		Name: Name(name), Tag: Tag(tag), Source: "docker.io/library/x", Digest: Digest("sha256:" + strings.Repeat(fill, 64)),
		Kind: Image, Type: "application/vnd.oci.image.index.v1+json", Size: 1234, Platform: []Platform{"linux/amd64", "linux/arm64"},
		Scan: &Scan{High: 2}, At: "2026-01-31T12:00:00Z", By: "jane",
	}
}

func lockOf(all ...Approved) *Lock {
	var l Lock
	for _, a := range all {
		l.Put(a)
	}
	return &l
}

func TestALockIsReadAsItWasWritten(t *testing.T) {
	odd := approval("b", "3.20", "b")
	odd.Mirrored, odd.Signed, odd.Reason = Digest(digest), Unverified, Note("line one\nline \"two\": "+strings.Repeat("long ", 40))
	chart := Approved{Name: "charts/web", Tag: "1", Source: "ghcr.io/x/web", Digest: Digest(digest), Kind: Chart, Type: "a/b", At: "2026-01-31T12:00:00Z", By: "on: off"}
	l := lockOf(odd, chart, approval("a", "1", "a"))
	b, err := l.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseLock("images.lock.yaml", b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	second, err := again.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(b), string(second)); diff != "" {
		t.Error(diff)
	}
	if lines := strings.Count(string(b), "\n"); lines > 4+15+9+11 {
		t.Errorf("%d lines:\n%s", lines, b)
	}
}

func TestTheOrderOfApprovalsDoesNotMatter(t *testing.T) {
	a, b, c := approval("a", "1", "a"), approval("a", "2", "b"), approval("b", "1", "c")
	one, err := lockOf(a, b, c).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	other, err := lockOf(c, a, a, b).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(other) {
		t.Error(cmp.Diff(string(one), string(other)))
	}
}

func TestBranchesThatApproveDifferentImagesMerge(t *testing.T) {
	dir := t.TempDir()
	base := []Approved{approval("a", "1", "a"), approval("b", "1", "a"), approval("c", "1", "a")}
	file := func(name string, l *Lock) string {
		path := filepath.Join(dir, name)
		if _, err := l.Write(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours, theirs := lockOf(base...), lockOf(base...)
	ours.Put(approval("a", "1", "b"))
	ours.Put(approval("0", "1", "b"))
	theirs.Put(approval("b", "1", "b"))
	theirs.Put(approval("d", "1", "b"))
	out, err := exec.Command("git", "merge-file", "-p", file("ours", ours), file("base", lockOf(base...)), file("theirs", theirs)).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	merged, err := ParseLock("merged", out)
	if err != nil {
		t.Fatal(err)
	}
	if len(merged.Approved) != 5 {
		t.Errorf("got %d approvals", len(merged.Approved))
	}
	for _, ref := range []string{"a", "b"} {
		if a, _ := merged.Find(ref, "1"); a.Digest != Digest("sha256:"+strings.Repeat("b", 64)) {
			t.Errorf("%s has %s", ref, a.Digest)
		}
	}
}

func TestALockThatWasEditedBadlyIsAnsweredWithItsPlace(t *testing.T) {
	b, err := lockOf(approval("a", "1", "a"), approval("b", "1", "b")).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	whole := string(b)
	for name, c := range map[string]struct{ from, to, want string }{
		"a digest cut short":     {strings.Repeat("a", 64), strings.Repeat("a", 63), "images.lock.yaml:8:13: approved[0].digest"},
		"an entry twice":         {"name: b", "name: a", "a:1 is approved by approved[0] already"},
		"a field that is gone":   {"    by: jane\n", "", "approved[0].by: is missing"},
		"conflict markers":       {"  - name: b", "<<<<<<< ours\n  - name: b", "this is not YAML"},
		"the list's own kind":    {"ImageLock", "ImageList", `"ImageList" is not known, did you mean ImageLock? (allowed: ImageLock)`},
		"a made-up verification": {"    at:", "    signature: yes-really\n    at:", "approved[0].signature"},
	} {
		_, err := ParseLock("images.lock.yaml", []byte(strings.Replace(whole, c.from, c.to, 1)))
		if err == nil || fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestAnUnchangedLockIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "images.lock.yaml")
	if changed, err := new(Lock).Write(path); changed || err != nil {
		t.Errorf("an empty lock where there is none: %v, %v", changed, err)
	}
	l := lockOf(approval("a", "1", "a"))
	for i, want := range []bool{true, false} {
		if changed, err := l.Write(path); changed != want || err != nil {
			t.Errorf("write %d: %v, %v", i, changed, err)
		}
	}
	l.Drop("a:1")
	if changed, err := l.Write(path); !changed || err != nil {
		t.Errorf("the last one is dropped: %v, %v", changed, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseLock(path, b); err != nil || len(again.Approved) != 0 {
		t.Errorf("%v\n%s", err, b)
	}
}

func TestTheLockIsBesideTheList(t *testing.T) {
	for list, want := range map[string]string{
		"images.yaml": "images.lock.yaml", "a/b.yml": "a/b.lock.yml", "a.b/images": "a.b/images.lock.yaml",
	} {
		if got := LockPath(list); got != want {
			t.Errorf("%s: got %s, want %s", list, got, want)
		}
	}
}
