package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/pave-platform/pave/internal/fault"
)

// report is everything that one run of bench found.
type report struct {
	Machine machine `json:"machine"`
	Rows    []row   `json:"rows"`
}

type row struct {
	Name    string `json:"name"`
	Measure string `json:"measure"`
	Goal    string `json:"goal,omitempty"`
	outcome
	Error string `json:"error,omitempty"` // set: nothing was measured
}

// machine is where the figures come from. Load tells whether others were at
// work on it when the run began.
type machine struct {
	Cores    int     `json:"cores"`
	Platform string  `json:"platform"`
	MemoryMB int     `json:"memoryMB,omitempty"`
	Load     float64 `json:"load"` // of the last minute
	Commit   string  `json:"commit"`
}

// describeMachine leaves out what this kernel does not tell.
func describeMachine(ctx context.Context, l *lab) machine {
	m := machine{Cores: runtime.NumCPU(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		_, _ = fmt.Sscan(string(b), &m.Load)
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kB int
		if _, err := fmt.Sscanf(string(b), "MemTotal: %d kB", &kB); err == nil {
			m.MemoryMB = kB / 1024
		}
	}
	if r, err := l.exec(ctx, l.repository, "git", "describe", "--always", "--dirty"); err == nil {
		m.Commit = strings.TrimSpace(r.stdout)
	}
	return m
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %d MB of memory, load %.1f at the start, commit %s", m.Platform, m.Cores, m.MemoryMB, m.Load, m.Commit)
}

// failure is an error where a row could not be measured.
func (r *report) failure() error {
	var failed []string
	for _, row := range r.Rows {
		if row.Error != "" {
			failed = append(failed, row.Name)
		}
	}
	if len(failed) > 0 {
		return fault.Failedf("not measured: %s", strings.Join(failed, ", "))
	}
	return nil
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// writeTable writes Markdown that also reads well in a terminal: the table,
// then the commands behind each row.
func (r *report) writeTable(w io.Writer) error {
	cells := [][]string{{"measure", "result", "goal", "compared with"}}
	for _, row := range r.Rows {
		cells = append(cells, []string{row.Measure, row.result(), orDash(row.Goal), orDash(row.Compared)})
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n\n", r.Machine)
	writeMarkdown(b, cells)
	fmt.Fprint(b, "\nThe commands, where $REPO is this repository, $BENCH a temporary folder and $PAVE the binary given with --pave:\n")
	for _, row := range r.Rows {
		if len(row.Commands) > 0 {
			fmt.Fprintf(b, "\n%s\n", row.Name)
		}
		for _, c := range row.Commands {
			fmt.Fprintf(b, "    %s\n", c)
		}
	}
	return b.Flush()
}

// result is the figure with how far the runs were apart.
func (r row) result() string {
	if r.Error != "" {
		return "not measured"
	}
	low, high := r.Runs[0], r.Runs[0]
	for _, v := range r.Runs {
		low, high = min(low, v), max(high, v)
	}
	if len(r.Runs) == 1 {
		return r.format(r.Value)
	}
	return fmt.Sprintf("%s (%s to %s in %d runs)", r.format(r.Value), r.format(low), r.format(high), len(r.Runs))
}

func (o outcome) format(v float64) string {
	switch o.Unit {
	case "MB":
		return fmt.Sprintf("%.0f MB", v)
	case "x":
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1f %s", v, o.Unit)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// writeMarkdown writes a table whose first row is the header.
func writeMarkdown(w io.Writer, cells [][]string) {
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, c := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	for n, line := range cells {
		for i, c := range line {
			fmt.Fprintf(w, "| %s%s ", c, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)))
		}
		fmt.Fprintln(w, "|")
		if n > 0 {
			continue
		}
		for _, width := range widths {
			fmt.Fprintf(w, "|%s", strings.Repeat("-", width+2))
		}
		fmt.Fprintln(w, "|")
	}
}
