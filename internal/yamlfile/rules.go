package yamlfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Among is the rule of text of which only a few are allowed.
func Among[S ~string](s S, allowed []string) error {
	if slices.Contains(allowed, string(s)) {
		return nil
	}
	return fmt.Errorf("%q is not known%s (allowed: %s)", s, DidYouMean(string(s), allowed), strings.Join(allowed, ", "))
}

// Within is the rule of a whole number from low to high.
func Within(n, low, high int) error {
	switch {
	case n < low:
		return fmt.Errorf("%d is below %d", n, low)
	case n > high:
		return fmt.Errorf("%d is above %d", n, high)
	}
	return nil
}

// AtMost is the rule of text that has so many characters and no more.
func AtMost(s string, most int) error {
	if characters := utf8.RuneCountInString(s); characters > most {
		return fmt.Errorf("has %d characters, at most %d are allowed", characters, most)
	}
	return nil
}
