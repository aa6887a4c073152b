package bootstraptest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestTheCanaryIsFoundWhereItLeaks(t *testing.T) {
	t.Parallel()
	s := []byte("canary-of-the-key")
	for _, leak := range []string{
		"x" + string(s), hex.EncodeToString(s),
		base64.StdEncoding.EncodeToString(append([]byte("a"), append(bytes.Clone(s), "bc"...)...)),
	} {
		found := false
		for _, written := range forms(s) {
			found = found || strings.Contains(leak, string(written))
		}
		if !found {
			t.Errorf("it is not found in %q", leak)
		}
	}
}
