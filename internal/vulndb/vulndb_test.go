package vulndb_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/vulndb"
	"github.com/pave-platform/pave/internal/vulndb/defaults"
)

func demo(t *testing.T, updated time.Time) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "database")
	_, err := vulndb.Create(t.Context(), vulndb.CreateOptions{Output: dir, UpdatedAt: updated})
	must(t, err)
	return dir
}

func TestTheDemoDatabaseSaysWhatItIs(t *testing.T) {
	updated := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	d, err := vulndb.Check(demo(t, updated), defaults.MaxAge, updated.Add(time.Hour))
	must(t, err)
	if d.Name != "pave demo database" || d.SchemaVersion != 2 || !d.UpdatedAt.Equal(updated) {
		t.Errorf("got %+v", d)
	}
	for prefix, want := range map[string]bool{"debian ": true, "Debian 12": true, "go::": true, "alpine ": false, "npm::": false} {
		if d.Covers(prefix) != want {
			t.Errorf("covers %q: %v", prefix, !want)
		}
	}
}

func TestADatabaseIsFoundInATrivyCacheFolder(t *testing.T) {
	dir := demo(t, time.Time{})
	cache := t.TempDir()
	must(t, os.Rename(dir, filepath.Join(cache, "db")))
	if _, err := vulndb.Check(cache, defaults.MaxAge, time.Now()); err != nil {
		t.Error(err)
	}
}

func TestAReadOnlyDatabaseIsEnough(t *testing.T) {
	dir := demo(t, time.Time{})
	must(t, os.Chmod(filepath.Join(dir, "trivy.db"), 0o444))
	must(t, os.Chmod(dir, 0o555))
	before, err := os.Stat(filepath.Join(dir, "trivy.db"))
	must(t, err)
	_, err = vulndb.Check(dir, defaults.MaxAge, time.Now())
	must(t, err)
	if after, _ := os.Stat(filepath.Join(dir, "trivy.db")); !after.ModTime().Equal(before.ModTime()) {
		t.Error("the check wrote to the database")
	}
}

func TestAnUnusableDatabaseIsAnInputErrorWithItsRemedy(t *testing.T) {
	now := time.Date(2026, 2, 10, 12, 0, 0, 0, time.UTC)
	fresh := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		updated time.Time
		damage  func(t *testing.T, dir string)
		want    []string
	}{
		"an empty folder": {fresh, func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "trivy.db")))
		}, []string{"trivy.db is missing", "pave scan database"}},
		"no metadata": {fresh, func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "metadata.json")))
		}, []string{"no metadata.json", "age and schema are unknown"}},
		"damaged metadata": {fresh, func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "metadata.json"), []byte("{"), 0o644))
		}, []string{"metadata.json", "unexpected end"}},
		"metadata without a time": {fresh, func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "metadata.json"), []byte(`{"Version": 2}`), 0o644))
		}, []string{"does not say when it was updated"}},
		"another schema": {fresh, func(t *testing.T, dir string) {
			change(t, dir, func(m map[string]any) { m["Version"] = 1 })
		}, []string{"has schema 1, this pave reads schema 2"}},
		"stale": {now.Add(-8 * 24 * time.Hour), nil,
			[]string{"is stale", "8 days ago", "allowed are 7 days", "--database-max-age"}},
		"from the future": {now.Add(48 * time.Hour), nil, []string{"from the future", "clock"}},
		"not a database": {fresh, func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "trivy.db"), []byte(strings.Repeat("not a database ", 1000)), 0o644))
		}, []string{"trivy.db", "invalid database"}},
		"an empty file": {fresh, func(t *testing.T, dir string) {
			must(t, os.Truncate(filepath.Join(dir, "trivy.db"), 0))
		}, []string{"not usable: trivy.db"}},
		"cut short": {fresh, func(t *testing.T, dir string) {
			must(t, os.Truncate(filepath.Join(dir, "trivy.db"), 3*4096))
		}, []string{"not usable: trivy.db"}},
		"no vulnerabilities, which crashes Trivy": {fresh, func(t *testing.T, dir string) {
			d, err := bolt.Open(filepath.Join(dir, "trivy.db"), 0o644, nil)
			must(t, err)
			must(t, d.Update(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("vulnerability")) }))
			must(t, d.Close())
		}, []string{`has no bucket "vulnerability"`}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := demo(t, c.updated)
			if c.damage != nil {
				c.damage(t, dir)
			}
			_, err := vulndb.Check(dir, defaults.MaxAge, now)
			if fault.KindOf(err) != fault.Input {
				t.Fatalf("got %v", err)
			}
			for _, want := range append(c.want, dir) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

func TestTheAllowedAgeIsExact(t *testing.T) {
	updated := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	dir := demo(t, updated)
	if _, err := vulndb.Check(dir, time.Hour, updated.Add(time.Hour)); err != nil {
		t.Errorf("as old as allowed: %v", err)
	}
	if _, err := vulndb.Check(dir, time.Hour, updated.Add(time.Hour+time.Second)); err == nil {
		t.Error("a second older than allowed passes")
	}
}

func TestBadAdvisoriesAreInputErrorsAndMakeNoDatabase(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"not YAML":            {"name: [", "yaml"},
		"an unknown field":    {"name: x\nadvisorys: []\n", "line 2: field advisorys not found"},
		"no name":             {"advisories: []\n", "no name"},
		"no id":               {"name: x\nadvisories: [{title: y}]\n", "needs an id"},
		"an unknown severity": {"name: x\nadvisories: [{id: CVE-1, severity: {nvd: BAD}}]\n", `unknown severity "BAD"`},
		"no range":            {"name: x\nadvisories: [{id: CVE-1, go: [{module: y}]}]\n", "at least one vulnerable range"},
		"no source package":   {"name: x\nadvisories: [{id: CVE-1, debian: [{release: '12'}]}]\n", "needs a release and a source package"},
	} {
		t.Run(name, func(t *testing.T) {
			from := filepath.Join(t.TempDir(), "advisories.yaml")
			must(t, os.WriteFile(from, []byte(c.content), 0o644))
			output := filepath.Join(t.TempDir(), "database")
			_, err := vulndb.Create(t.Context(), vulndb.CreateOptions{Output: output, From: from})
			if fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), from) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(output); err == nil {
				t.Error("a database was made")
			}
		})
	}
}

func TestCreateReplacesADatabase(t *testing.T) {
	dir := demo(t, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	_, err := vulndb.Create(t.Context(), vulndb.CreateOptions{Output: dir})
	must(t, err)
	if _, err := vulndb.Check(dir, time.Hour, time.Now()); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("the folder holds %v", left)
	}
}

func change(t *testing.T, dir string, f func(map[string]any)) {
	t.Helper()
	path := filepath.Join(dir, "metadata.json")
	b, err := os.ReadFile(path)
	must(t, err)
	var m map[string]any
	must(t, json.Unmarshal(b, &m))
	f(m)
	b, err = json.Marshal(m)
	must(t, err)
	must(t, os.WriteFile(path, b, 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
