package promote

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/pave-platform/pave/internal/gitops"
)

// description is what a pull request says of a move, as Markdown: everything that
// the one who merges it would ask. The same move says the same, so that a pull
// request that is brought up to date does not change.
func (m *move) description(r Result) string {
	var b strings.Builder
	way := m.entry.To
	if m.entry.From != "" {
		way = m.entry.From + " to " + way
	}
	fmt.Fprintf(&b, "%s of **%s** in project **%s**: %s, by `pave promote`.\n\n| | now | then |\n|---|---|---|\n", m.entry.Action, m.next.App, m.next.Project, way)
	for _, d := range r.Changes {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", d.What, code(d.Before), code(d.After))
	}
	b.WriteString("\n")
	for _, line := range [][2]string{
		{"Verified", strings.Join(r.Verified, ", ")},
		{"Healthy", m.soakWords(r.Soak)},
		{"Differs from " + m.entry.From, strings.Join(r.Overrides, ", ")},
		{"Reason", m.entry.Reason},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "- %s: %s\n", line[0], code(line[1]))
		}
	}
	fmt.Fprintf(&b, "\nMerging it is the %s. If the image is rejected, or another release comes to one of the environments, it does not stand any more: "+
		"run the command again, and it says so here or proposes what is right then.\n\n", m.entry.Action)
	b.WriteString(fenced(r.Diff))
	return b.String()
}

func (m *move) soakWords(s *Soak) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%s since %s, %s asked for", m.entry.From, s.HealthySince.Format(time.RFC3339), s.Asked)
}

// longestDiff keeps a description below what forges take: 32,768 characters on
// Bitbucket Data Center.
const longestDiff = 20_000 // bytes

// fenced shows a difference as it is, whatever is in it.
func fenced(diff string) string {
	more := ""
	if len(diff) > longestDiff {
		cut := strings.LastIndexByte(diff[:longestDiff], '\n') + 1
		more = fmt.Sprintf("\n%d more lines: see the changed files.\n", strings.Count(diff[cut:], "\n"))
		diff = diff[:cut]
	}
	fence := "```"
	for strings.Contains(diff, fence) {
		fence += "`"
	}
	return fence + "diff\n" + strings.TrimRight(diff, "\n") + "\n" + fence + "\n" + more
}

// code shows text as it is, in a table too.
func code(text string) string {
	if text == "" {
		return "–"
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case r == '`':
			return '\''
		case r == '|':
			return '¦'
		}
		return r
	}, text)
	return "`" + text + "`"
}

// The warning of a pull request that does not stand any more.
const (
	warningTitle = "Does not stand: "
	warningBegin = "**This does not stand any more. Do not merge it.** "
	warningEnd   = "\n\n---\n\n"
)

// withWarning says before everything else that a pull request does not stand, once.
func withWarning(title, description string, because error) (string, string) {
	title = strings.TrimPrefix(title, warningTitle)
	if strings.HasPrefix(description, warningBegin) {
		if _, rest, ok := strings.Cut(description, warningEnd); ok {
			description = rest
		}
	}
	return warningTitle + title, warningBegin + code(because.Error()) + warningEnd + description
}

// subject is the first line of the commit and the title of the pull request.
func (m *move) subject() string {
	e := m.entry
	return fmt.Sprintf("%s(%s/%s): %s %s", e.Action, m.next.Project, e.To, m.next.App, gitops.Short(e.Digest))
}
