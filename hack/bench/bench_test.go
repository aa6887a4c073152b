package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
)

func TestRowsAreChosenByNameInTheTablesOrder(t *testing.T) {
	all := []measure{{name: "a"}, {name: "b"}, {name: "c"}}
	for want, names := range map[string][]string{"abc": nil, "b": {"b"}, "ac": {"c", "a", "c"}} {
		chosen, err := choose(all, names)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, m := range chosen {
			got.WriteString(m.name)
		}
		if got.String() != want {
			t.Errorf("%v: got %s, want %s", names, got.String(), want)
		}
	}
	if _, err := choose(all, []string{"d"}); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "a, b, c") {
		t.Errorf("an unknown row: got %v, want an input error that names the rows", err)
	}
}

func TestTheMedianIsTheMiddle(t *testing.T) {
	for want, values := range map[float64][]float64{0: nil, 3: {3}, 2: {9, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := median(values); got != want {
			t.Errorf("%v: got %v, want %v", values, got, want)
		}
	}
}

func TestATableNamesResultGoalAndCommands(t *testing.T) {
	r := report{Rows: []row{
		{Name: "fast", Measure: "How fast", Goal: "at most 2 s", outcome: outcome{Value: 1.26, Unit: "s", Runs: []float64{1.26, 1.1, 1.4}, Commands: []string{"run it"}}},
		{Name: "ratio", Measure: "How much", outcome: outcome{Value: 0.5, Unit: "x", Runs: []float64{0.5}, Compared: "the other: 2.0 s", Commands: []string{"this", "that"}}},
		{Name: "broken", Measure: "How broken", Error: "it fell"},
	}}
	var table bytes.Buffer
	if err := r.writeTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| How fast   | 1.3 s (1.1 s to 1.4 s in 3 runs) | at most 2 s | –                |\n",
		"| How much   | 0.50                             | –           | the other: 2.0 s |\n",
		"| How broken | not measured                     |",
		"\nfast\n    run it\n\nratio\n    this\n    that\n",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in\n%s", want, table.String())
		}
	}
	if err := r.failure(); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v, want an error that names the row", err)
	}
	var b bytes.Buffer
	if err := r.writeJSON(&b); err != nil {
		t.Fatal(err)
	}
	var decoded struct{ Rows []map[string]any }
	if err := json.Unmarshal(b.Bytes(), &decoded); err != nil || decoded.Rows[0]["value"] != 1.26 || decoded.Rows[2]["error"] != "it fell" {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestAFailedRowDoesNotKeepOthersFromBeingMeasured(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	found := outcome{Value: 1, Unit: "s", Runs: []float64{1}}
	r, err := measureAll(t.Context(), options{runs: 1}, []measure{
		{name: "bad", run: func(_ context.Context, l *lab) (outcome, error) {
			return outcome{}, errors.Join(os.WriteFile(l.path("left"), nil, 0o600), errors.New("no engine"))
		}},
		{name: "good", run: func(context.Context, *lab) (outcome, error) { return found, nil }},
	})
	if err != nil || len(r.Rows) != 2 || r.Rows[0].Error != "no engine" || r.Rows[1].Value != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
	if left, _ := os.ReadDir(temporary); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnInterruptedBenchKeepsWhatItMeasuredAndNoFiles(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := measureAll(ctx, options{runs: 1}, []measure{
		{name: "quick", run: func(context.Context, *lab) (outcome, error) { return outcome{Value: 1}, nil }},
		{name: "slow", run: func(ctx context.Context, l *lab) (outcome, error) {
			cancel()
			_, err := l.exec(ctx, l.dir, "sleep", "600")
			return outcome{}, err
		}},
		{name: "never", run: func(context.Context, *lab) (outcome, error) { return outcome{}, nil }},
	})
	if !errors.Is(err, context.Canceled) || len(r.Rows) != 1 || r.Rows[0].Value != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
	if left, _ := os.ReadDir(temporary); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestACommandsPeakIsItsOwn(t *testing.T) {
	l := testLab(t)
	small, err := l.exec(t.Context(), l.dir, "head", "-c1", "/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	large, err := l.exec(t.Context(), l.dir, "dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1")
	if err != nil {
		t.Fatal(err)
	}
	if large.peak < 256 || large.peak > 256+64 || small.peak > 128 {
		t.Errorf("peaks: %.0f MB and %.0f MB, want above 256 and far below", large.peak, small.peak)
	}
}

func TestAFailedCommandSaysWhatItSaid(t *testing.T) {
	l := testLab(t)
	_, err := l.exec(t.Context(), l.dir, "ls", l.path("no such file"))
	if err == nil || !strings.Contains(err.Error(), "ls '$BENCH/no such file'") || !strings.Contains(err.Error(), "No such file") {
		t.Errorf("got %v", err)
	}
}

func TestCommandsAreShownAsOneWouldTypeThem(t *testing.T) {
	l := &lab{options: options{pave: "/home/me/bin/pave"}, dir: "/scratch/b", repository: "/home/me/pave"}
	for want, c := range map[string][]string{
		"pave --output=$BENCH/x":             {"/scratch/b", "pave", "--output=/scratch/b/x"},
		"$PAVE sbom":                         {"/scratch/b", "/home/me/bin/pave", "sbom"},
		"cd $REPO && dagger functions":       {"/home/me/pave", "dagger", "functions"},
		`cd $BENCH/app && echo 'it'\''s' ''`: {"/scratch/b/app", "echo", "it's", ""},
	} {
		if got := l.typed(c[0], c[1:]...); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func testLab(t *testing.T) *lab {
	t.Helper()
	return &lab{options: options{runs: 1}, dir: t.TempDir(), repository: filepath.Join("..", "..")}
}
