package gitops_test

import (
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/gitops"
)

// TestStanding writes histories as letters: A to Z are releases that arrived, and
// a small letter a rollback to that release.
func TestStanding(t *testing.T) {
	for written, want := range map[string]string{
		"":      "",
		"A":     "A",
		"ABC":   "ABC",
		"ABCb":  "AB",
		"ABCa":  "A",
		"ABCbD": "ABD",
		"ABCbB": "ABB",
		"ABAa":  "A",   // the older of two that are alike: what came between went too
		"ABCx":  "ABX", // what it went back to is no longer known
		"a":     "A",
		"ABbCb": "AB",
	} {
		var h gitops.History
		for _, c := range written {
			e := gitops.Entry{Action: gitops.Promote, Release: gitops.Release{Image: strings.ToUpper(string(c))}}
			if c >= 'a' {
				e.Action = gitops.Rollback
			}
			h = h.Append(e)
		}
		var got strings.Builder
		for _, e := range h.Standing() {
			got.WriteString(e.Release.Image)
		}
		if got.String() != want {
			t.Errorf("of %q stands %q, want %q", written, got.String(), want)
		}
	}
}

func TestAppendLeavesTheHistoryThatItIsGivenAlone(t *testing.T) {
	base := gitops.History{}.Append(gitops.Entry{Digest: "1"}, gitops.Entry{Digest: "2"})
	a, b := base.Append(gitops.Entry{Digest: "a"}), base.Append(gitops.Entry{Digest: "b"})
	if len(base.Entries) != 2 || a.Last().Digest != "a" || b.Last().Digest != "b" {
		t.Errorf("%+v, %+v, %+v", base, a, b)
	}
}
