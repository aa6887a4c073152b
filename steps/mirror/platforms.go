package mirror

import (
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// platformName is os/architecture[/variant]. arm64 has v8 as its only variant,
// which some write and some do not.
func platformName(p v1.Platform) string {
	name := p.OS + "/" + p.Architecture
	if p.Variant != "" && !(p.Architecture == "arm64" && p.Variant == "v8") {
		name += "/" + p.Variant
	}
	return name
}

// parsePlatforms reads names that the list or the lock has checked.
func parsePlatforms(names []string) ([]v1.Platform, error) {
	platforms := make([]v1.Platform, len(names))
	for i, n := range names {
		p, err := v1.ParsePlatform(n)
		if err != nil {
			return nil, fault.Inputf("platform %q: %w", n, err)
		}
		platforms[i] = *p
	}
	return platforms, nil
}

// chosen tells whether p is among the platforms to mirror, as package transfer
// chooses them: linux/arm is every variant of it.
func chosen(platforms []v1.Platform, p *v1.Platform) bool {
	return p != nil && slices.ContainsFunc(platforms, p.Satisfies)
}

// unknown is the platform of attestations that BuildKit puts into an index.
func unknown(p *v1.Platform) bool { return p != nil && p.OS == "unknown" }

// samePlatforms tells whether the platforms that the list asks for are those that
// were approved. Where the list asks for all, the approved digest is all.
func samePlatforms(asked []string, a imagelist.Approved) bool {
	if a.Kind != imagelist.Image {
		return true // what has no platform is mirrored whatever is chosen
	}
	if len(asked) == 0 {
		return a.Mirrored == ""
	}
	approved := make([]string, len(a.Platform))
	for i, p := range a.Platform {
		approved[i] = string(p)
	}
	want := slices.Clone(asked)
	slices.Sort(want)
	slices.Sort(approved)
	return slices.Equal(want, approved)
}

func platformWords(a imagelist.Approved) string {
	words := make([]string, len(a.Platform))
	for i, p := range a.Platform {
		words[i] = string(p)
	}
	return strings.Join(words, ", ")
}
