package report

import (
	"fmt"
	"strings"
	"unicode"
)

// size says a number of bytes in the decimal units of registries.
func size(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// short gives the first characters of a commit or digest, enough to find it.
func short(hash string) string {
	algorithm, hex, ok := strings.Cut(hash, ":")
	if !ok {
		algorithm, hex = "", hash
	} else {
		algorithm += ":"
	}
	return algorithm + hex[:min(12, len(hex))]
}

// printable drops what would steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}
