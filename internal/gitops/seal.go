package gitops

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// A file is sealed with the hash of its own bytes, the hash's digits taken as
// zeros. So a later deploy, which has neither the file's history nor a memory,
// can tell its own writing from a person's.

// unsealed stands in the seal's place while the hash is made.
var unsealed = "sha256:" + strings.Repeat("0", 2*sha256.Size)

var sealLine = regexp.MustCompile(`(?m)^    ` + regexp.QuoteMeta(AnnotationSeal) + `: (sha256:[0-9a-f]{64})$`)

// seal fills in the hash of a file that has unsealed in the seal's place.
func seal(content []byte) []byte {
	sum := sha256.Sum256(content)
	return bytes.Replace(content, []byte(unsealed), []byte("sha256:"+hex.EncodeToString(sum[:])), 1)
}

// Seal gives the YAML of a Kubernetes object with a notice before it, sealed. Its
// metadata has the annotation AnnotationSeal already, with any value.
func Seal(path, notice string, object map[string]any) ([]byte, error) {
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	annotations[AnnotationSeal] = unsealed
	body, err := yaml.Marshal(object) // sorts keys
	if err != nil {
		return nil, fault.Inputf("%s: %w", path, err)
	}
	return seal(append([]byte(notice), body...)), nil
}

// Sealed tells whether content is as a deploy wrote it, to the byte.
func Sealed(content []byte) bool {
	at := sealLine.FindSubmatchIndex(content)
	if at == nil {
		return false
	}
	blank := bytes.Join([][]byte{content[:at[2]], []byte(unsealed), content[at[3]:]}, nil)
	return bytes.Equal(seal(blank), content)
}

// ContentHash is the seal of an application.yaml, as sha256:…, which the
// Application bears in the cluster too; empty for a file that is not sealed.
func ContentHash(content []byte) string {
	if !Sealed(content) {
		return ""
	}
	return string(sealLine.FindSubmatch(content)[1])
}

// Read gives a file of the repository; nil if there is none.
func Read(tree *gitrepo.Tree, path string) ([]byte, error) {
	content, err := tree.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

// Present gives t's application.yaml as it is in the repository, nil if there is
// none. It refuses where replacing it by next would destroy somebody's work; with
// force only where it would make a second Application of one name.
func Present(tree *gitrepo.Tree, t Target, next []byte, force bool) ([]byte, error) {
	if err := t.free(tree); err != nil {
		return nil, err
	}
	return PresentFile(tree, t.Path(), next, force)
}

// PresentFile is Present for any sealed file.
func PresentFile(tree *gitrepo.Tree, path string, next []byte, force bool) ([]byte, error) {
	old, err := Read(tree, path)
	if err != nil {
		return nil, err
	}
	if old != nil && !force && !Sealed(old) {
		return nil, conflict(path, old, next)
	}
	return old, nil
}

// conflict shows what overwriting somebody's edit would destroy.
func conflict(path string, theirs, ours []byte) error {
	return fault.Failedf("%s: %s; revert that, or overwrite it with --force, which does this:\n%s",
		path, altered(theirs), strings.TrimRight(unified("in the repository", "with --force", theirs, ours), "\n"))
}

// altered says why content is not sealed.
func altered(content []byte) string {
	if !sealLine.Match(content) {
		return "somebody else than pave wrote the file"
	}
	return "somebody edited the file since it was deployed"
}

// Diff is the difference of a file in unified format; empty for none.
func Diff(path string, before, after []byte) string {
	return unified("a/"+path, "b/"+path, before, after)
}

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
