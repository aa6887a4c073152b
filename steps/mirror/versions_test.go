package mirror

import (
	"slices"
	"testing"

	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

func TestVersions(t *testing.T) {
	tags := []string{
		"latest", "1", "1.22", "1.22.0", "1.22.12", "1.22.12-alpine", "1.22-alpine", "1.22.3-alpine", "1.23rc1", "1.23.0-rc.1", "1.23.1", "v1.23.2",
		"17", "17.2", "17.4", "17.4-bookworm", "sha256-aa.sig", "1.22.12-alpine3.19",
	}
	for name, c := range map[string]struct {
		entry imagelist.Entry
		want  []string
	}{
		"a range, the highest first":      {imagelist.Entry{Versions: ">=1.22.0 <1.24.0"}, []string{"v1.23.2", "1.23.1", "1.22.12", "1.22.0"}},
		"the newest only":                 {imagelist.Entry{Versions: ">=1.22.0 <1.24.0", Newest: 2}, []string{"v1.23.2", "1.23.1"}},
		"a variant":                       {imagelist.Entry{Versions: "~1.22.0", Variant: "alpine"}, []string{"1.22.12-alpine", "1.22.3-alpine"}},
		"versions of two numbers":         {imagelist.Entry{Versions: "^17"}, []string{"17.4", "17.2"}},
		"a pointer to the newest is none": {imagelist.Entry{Versions: "1.22.x"}, []string{"1.22.12", "1.22.0"}},
		"none in the range":               {imagelist.Entry{Versions: ">=99"}, []string{}},
	} {
		if got := versions(c.entry, tags); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
