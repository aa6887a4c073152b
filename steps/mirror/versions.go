package mirror

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// versionForm is a version as tags have it: of one to three numbers, without a
// pre-release.
var versionForm = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+){0,2}$`)

// versions gives those of tags that e asks for, the highest first. A tag that a
// longer one continues, as 1.22 beside 1.22.12, is no version but a pointer to
// the newest, and left out.
func versions(e imagelist.Entry, tags []string) []string {
	within, err := semver.NewConstraint(string(e.Versions))
	if err != nil {
		return nil // a list that was read has none
	}
	suffix := ""
	if e.Variant != "" {
		suffix = "-" + string(e.Variant)
	}
	type candidate struct {
		tag     string
		numbers string
		version *semver.Version
	}
	var all []candidate
	for _, tag := range tags {
		numbers, ok := strings.CutSuffix(tag, suffix)
		if !ok || !versionForm.MatchString(numbers) {
			continue
		}
		if v, err := semver.NewVersion(numbers); err == nil {
			all = append(all, candidate{tag, numbers, v})
		}
	}
	var found []candidate
	for _, c := range all {
		moves := slices.ContainsFunc(all, func(o candidate) bool { return strings.HasPrefix(o.numbers, c.numbers+".") })
		if !moves && within.Check(c.version) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Or(b.version.Compare(a.version), cmp.Compare(a.tag, b.tag)) })
	if most := int(e.Newest); most > 0 && len(found) > most {
		found = found[:most]
	}
	chosen := make([]string, len(found))
	for i, c := range found {
		chosen[i] = c.tag
	}
	return chosen
}
