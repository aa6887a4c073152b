package yamlfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// maxGuess is the longest name for which a similar one is looked for: no field
// is nearly as long.
const maxGuess = 40

// DidYouMean suggests the name that is nearest to a wrong one, if one is near
// enough to be meant.
func DidYouMean(wrong string, names []string) string {
	if best := Nearest(wrong, names); best != "" {
		return fmt.Sprintf(", did you mean %s?", best)
	}
	return ""
}

// Nearest gives the name that is nearest to a wrong one, if one is near enough to
// be meant, else nothing.
func Nearest(wrong string, names []string) string {
	if len(wrong) > maxGuess {
		return ""
	}
	best, distance := "", 1+max(1, len(wrong)/3)
	for _, name := range names {
		if d := apart(strings.ToLower(wrong), strings.ToLower(name)); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// apart counts the slips of the finger between a and b; two letters in the wrong
// order are one.
func apart(a, b string) int {
	d := levenshtein.Distance(a, b, nil)
	if d == 2 && letters(a) == letters(b) {
		return 1
	}
	return d
}

func letters(s string) string {
	all := []byte(s)
	slices.Sort(all)
	return string(all)
}
