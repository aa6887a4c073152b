package buildcache

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestAPartIsBuiltOnce(t *testing.T) {
	c, builds := testCache(t), 0
	build := func(dir string) error {
		builds++
		return os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600)
	}
	for range 2 {
		dir, err := c.Make("part", "key", "building", build)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(got) != "content" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if builds != 1 {
		t.Errorf("built %d times", builds)
	}
}

func TestAFailedBuildLeavesNoEntry(t *testing.T) {
	c, broken := testCache(t), errors.New("interrupted")
	_, err := c.Make("part", "key", "building", func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "half"), nil, 0o600); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(c.Dir, "part")); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestAKilledBuildIsBegunAgain(t *testing.T) {
	c := testCache(t)
	half := filepath.Join(c.Dir, "part", ".unfinished-key")
	if err := os.MkdirAll(filepath.Join(half, "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := c.Make("part", "key", "building", func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the entry has %v, %v of the killed build", left, err)
	}
}

func TestKeySeesEveryInputApart(t *testing.T) {
	seen := map[string][]string{}
	for _, inputs := range [][]string{{}, {""}, {"a"}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"c", "ab"}} {
		key := Key(inputs...)
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q have one key", inputs, other)
		}
		seen[key] = inputs
	}
}

func TestTreeKeyFollowsNamesAndContents(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := TreeKey(dir)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	first := write("go.mod", "module a")
	if again := write("go.mod", "module a"); again != first {
		t.Error("the same tree has two keys")
	}
	if changed := write("go.mod", "module b"); changed == first {
		t.Error("a changed file does not change the key")
	}
	write("go.mod", "module a")
	if added := write("go.sum", ""); added == first {
		t.Error("an added file does not change the key")
	}
}

func testCache(t *testing.T) *Cache {
	t.Helper()
	return &Cache{Dir: t.TempDir(), Progress: Progress{Name: "test", W: io.Discard}}
}
