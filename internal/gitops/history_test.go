package gitops_test

import (
	"strings"
	"testing"
	"time"

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

func TestWhatAnAutomaticRollbackTookBack(t *testing.T) {
	bad, back := gitops.Entry{Action: gitops.Promote, Digest: digest(2)}, gitops.Entry{Action: gitops.Rollback, Digest: digest(1), Previous: digest(2), Automatic: true}
	byHand := back
	byHand.Automatic = false
	for name, c := range map[string]struct {
		entries []gitops.Entry
		found   bool
	}{
		"nothing happened":             {nil, false},
		"it is the newest entry":       {[]gitops.Entry{bad, back}, true},
		"something came after it":      {[]gitops.Entry{bad, back, bad}, false},
		"somebody did it":              {[]gitops.Entry{bad, byHand}, false},
		"what it took back is too old": {[]gitops.Entry{back}, false},
	} {
		if promotion, rollback := (gitops.History{Entries: c.entries}).TakenBack(); (promotion != nil) != c.found || (rollback != nil) != c.found {
			t.Errorf("%s: %v, %v", name, promotion, rollback)
		}
	}
}

func TestTheTimesOfARolloutAreWrittenOnlyWhereThereAreAny(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	plain, err := gitops.History{Entries: []gitops.Entry{{Action: gitops.Promote, At: at}}}.Render()
	if err != nil || strings.Contains(string(plain), "until") || strings.Contains(string(plain), "healthy") || strings.Contains(string(plain), "automatic") {
		t.Errorf("%v\n%s", err, plain)
	}
	followed, err := gitops.History{Entries: []gitops.Entry{{Action: gitops.Promote, At: at, Until: at}}}.Render()
	if err != nil || !strings.Contains(string(followed), "until: \"2026-03-01T12:00:00Z\"") {
		t.Errorf("%v\n%s", err, followed)
	}
}
