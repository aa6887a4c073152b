package sign_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/sign"
)

func TestALargeSoftwareListIsAttestedOnce(t *testing.T) {
	t.Parallel()
	var packages strings.Builder
	for i := range 120_000 {
		fmt.Fprintf(&packages, `{"name":"package-%d","versionInfo":"1.%d","licenseConcluded":"Apache-2.0 & <MIT>","size":12345678901234567890},`, i, i)
	}
	spdx := fmt.Sprintf(`{"spdxVersion":"SPDX-2.3","packages":[%s{}]}`, packages.String())
	if len(spdx) < 12<<20 {
		t.Fatalf("the document has %d bytes only", len(spdx))
	}
	predicates := []sign.Predicate{{Type: "spdx", Path: file(t, spdx)}}
	for _, format := range []sign.Format{sign.Bundle, sign.Legacy} {
		l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
		l.sign(t, format, predicates)
		if _, again := l.sign(t, format, predicates); again.Attestations[0].Added {
			t.Errorf("%s: it is attested again", format)
		}
		o := l.verification("spdx")
		o.Output = t.TempDir()
		r, err := sign.Verify(t.Context(), o)
		must(t, err)
		if got := len(read(t, r.Attestations[0].Path)); got < 12<<20 {
			t.Errorf("%s: the verified predicate has %d bytes", format, got)
		}
	}
}
