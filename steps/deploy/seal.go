package deploy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/pave-platform/pave/internal/fault"
)

// A file is sealed with the hash of its own bytes, the hash's digits taken as
// zeros. So a later deploy, which has neither the file's history nor a memory,
// can tell its own writing from a person's.

// unsealed stands in the seal's place while the hash is made.
var unsealed = "sha256:" + strings.Repeat("0", 2*sha256.Size)

var sealLine = regexp.MustCompile(`(?m)^    ` + regexp.QuoteMeta(annotationSeal) + `: (sha256:[0-9a-f]{64})$`)

// seal fills in the hash of a file that has unsealed in the seal's place.
func seal(content []byte) []byte {
	sum := sha256.Sum256(content)
	return bytes.Replace(content, []byte(unsealed), []byte("sha256:"+hex.EncodeToString(sum[:])), 1)
}

// sealed tells whether content is as a deploy wrote it, to the byte.
func sealed(content []byte) bool {
	at := sealLine.FindSubmatchIndex(content)
	if at == nil {
		return false
	}
	blank := bytes.Join([][]byte{content[:at[2]], []byte(unsealed), content[at[3]:]}, nil)
	return bytes.Equal(seal(blank), content)
}

// conflict shows what overwriting somebody's edit would destroy.
func conflict(path string, theirs, ours []byte) error {
	reason := "somebody edited the file since it was deployed"
	if !sealLine.Match(theirs) {
		reason = "somebody else than pave wrote the file"
	}
	return fault.Failedf("%s: %s; revert that, or overwrite it with --force, which does this:\n%s",
		path, reason, strings.TrimRight(unified("in the repository", "with --force", theirs, ours), "\n"))
}

// unified is the difference of two files in unified format; empty for none.
func unified(from, to string, a, b []byte) string {
	if a == nil {
		from = "/dev/null"
	}
	// Strings in, string builder out: there is nothing that could fail.
	diff, _ := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(string(a)), B: difflib.SplitLines(string(b)),
		FromFile: from, ToFile: to, Context: 3,
	})
	return diff
}
