package gitrepo_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/gittest"
)

func TestTheCommitsThatChangedAFile(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	if got, err := open(t, options(s)).Changes(t.Context(), "a/b", 3); err != nil || len(got) != 0 {
		t.Errorf("an empty repository: %v, %v", got, err)
	}
	made := s.Commit(t, "main", "made", map[string]string{"a/b": "1"})
	s.Commit(t, "main", "another", map[string]string{"a/c": "1"})
	changed := s.Commit(t, "main", "changed", map[string]string{"a/b": "2"})
	s.Commit(t, "main", "another", map[string]string{"a/c": "2"})
	r := open(t, options(s))
	for most, want := range map[int][]string{1: {changed}, 2: {changed, made}, 5: {changed, made}} {
		if got, err := r.Changes(t.Context(), "a/b", most); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%d: %v, %v, want %v", most, got, err, want)
		}
	}
	if got, err := r.Changes(t.Context(), "none", 1); err != nil || len(got) != 0 {
		t.Errorf("a file that never was: %v, %v", got, err)
	}
	for i := range 100 {
		s.Commit(t, "main", "another", map[string]string{"x": fmt.Sprint(i)})
	}
	if got, err := r.Changes(t.Context(), "a/b", 1); err != nil || len(got) != 0 {
		t.Errorf("further back than it looks: %v, %v", got, err)
	}
}
