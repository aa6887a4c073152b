package gitops

import "strings"

// Trailer is a line of a commit message for programs.
type Trailer struct{ Key, Value string }

// Message is a commit's: a conventional subject, and trailers. A trailer without
// a value is left out.
func Message(subject string, trailers ...Trailer) string {
	var b strings.Builder
	b.WriteString(subject + "\n\n")
	for _, t := range trailers {
		if t.Value != "" {
			b.WriteString(t.Key + ": " + t.Value + "\n")
		}
	}
	return b.String()
}

// Trailers say what a commit releases.
func (r Release) Trailers() []Trailer {
	return []Trailer{{"Image", r.Image}, {"Chart", r.Chart.String()}, {"Source-Revision", r.Revision}}
}

// Short is a digest for people.
func Short(digest string) string {
	const shown = 12 // hexadecimal digits, as docker images shows
	digest = strings.TrimPrefix(digest, "sha256:")
	return digest[:min(len(digest), shown)]
}
