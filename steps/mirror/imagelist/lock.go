package imagelist

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
	"github.com/pave-platform/pave/internal/yamlfile"
)

// Lock is images.lock.yaml: what was approved, sorted by name and tag. The zero
// value is one in which nothing is.
type Lock struct {
	// Version of this format.
	APIVersion APIVersion `yaml:"apiVersion" jsonschema:"required"`
	// Kind of file.
	Kind LockKind `yaml:"kind" jsonschema:"required"`
	// What was approved.
	Approved []Approved `yaml:"approved"`
}

// Approved is one tag at the target and the content that it may have.
type Approved struct {
	Name     Name       `yaml:"name" json:"name" jsonschema:"required"`
	Tag      Tag        `yaml:"tag" json:"tag" jsonschema:"required"`
	Source   Source     `yaml:"source" json:"source" jsonschema:"required"`
	Digest   Digest     `yaml:"digest" json:"digest" jsonschema:"required"` // upstream's
	Mirrored Digest     `yaml:"mirrored" json:"mirrored,omitempty"`         // at the target, where platforms were left out
	Kind     Kind       `yaml:"kind" json:"kind" jsonschema:"required"`
	Type     MediaType  `yaml:"mediaType" json:"mediaType" jsonschema:"required"`
	Size     Bytes      `yaml:"size" json:"size" jsonschema:"required"` // what is mirrored, compressed
	Platform []Platform `yaml:"platforms" json:"platforms,omitempty"`
	Scan     *Scan      `yaml:"scan" json:"scan,omitempty"`
	Signed   Signed     `yaml:"signature" json:"signature,omitempty"` // verified, where a publisher's key was given
	At       Time       `yaml:"at" json:"at" jsonschema:"required"`
	By       Note       `yaml:"by" json:"by" jsonschema:"required"`
	Reason   Note       `yaml:"reason" json:"reason,omitempty"` // why it was approved against the gate
}

// Scan counts the findings of the worst platform when it was approved.
type Scan struct {
	Critical Findings `yaml:"critical" json:"critical"`
	High     Findings `yaml:"high" json:"high"`
	Medium   Findings `yaml:"medium" json:"medium"`
	Low      Findings `yaml:"low" json:"low"`
	Unknown  Findings `yaml:"unknown" json:"unknown"`
}

// Map gives the counts by severity in lower case.
func (s Scan) Map() map[string]int {
	return map[string]int{
		"critical": int(s.Critical), "high": int(s.High), "medium": int(s.Medium), "low": int(s.Low), "unknown": int(s.Unknown),
	}
}

// Ref is name:tag.
func (a Approved) Ref() string { return string(a.Name) + ":" + string(a.Tag) }

// AtTarget is the digest that the tag has at the target.
func (a Approved) AtTarget() string {
	return string(cmp.Or(a.Mirrored, a.Digest))
}

// LockPath is where the lock of a list is: images.lock.yaml beside images.yaml.
func LockPath(list string) string {
	extension := filepath.Ext(list)
	return list[:len(list)-len(extension)] + ".lock" + cmp.Or(extension, ".yaml")
}

// ReadLock reads and checks the lock at path. A file that is not there is a lock
// in which nothing is approved.
func ReadLock(path string) (*Lock, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return &Lock{}, nil
	}
	data, err := yamlfile.Load(path, "write it with `pave mirror approve`")
	if err != nil {
		return nil, err
	}
	return ParseLock(filepath.ToSlash(path), data)
}

// ParseLock checks data, which came from the file of the given name. It takes a
// file that was merged by hand in any order.
func ParseLock(file string, data []byte) (*Lock, error) {
	l := Lock{}
	read, err := form("lock", "apiVersion, kind and approved").Read(file, data, &l)
	if err != nil {
		return nil, err
	}
	first := map[string]string{}
	for i, a := range l.Approved {
		path := yamlfile.Index("approved", i)
		if earlier, twice := first[a.Ref()]; twice && a.Name != "" {
			read.Conflict(path, "%s is approved by %s already: delete one of the two, or approve it again", a.Ref(), earlier)
		}
		first[a.Ref()] = path
	}
	if err := read.Err(); err != nil {
		return nil, err
	}
	l.sort()
	return &l, nil
}

// Find gives what is approved for a tag.
func (l *Lock) Find(name, tag string) (Approved, bool) {
	i := l.index(name + ":" + tag)
	if i < 0 {
		return Approved{}, false
	}
	return l.Approved[i], true
}

// Put approves a in place of what was approved for its tag.
func (l *Lock) Put(a Approved) {
	l.Drop(a.Ref())
	l.Approved = append(l.Approved, a)
	l.sort()
}

// Drop takes the approval of name:tag back.
func (l *Lock) Drop(ref string) {
	if i := l.index(ref); i >= 0 {
		l.Approved = slices.Delete(l.Approved, i, i+1)
	}
}

func (l *Lock) index(ref string) int {
	return slices.IndexFunc(l.Approved, func(a Approved) bool { return a.Ref() == ref })
}

func (l *Lock) sort() {
	slices.SortFunc(l.Approved, func(a, b Approved) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Tag, b.Tag))
	})
}

const lockHead = `# What of images.yaml was approved. Written by pave mirror approve: do not edit.
apiVersion: pave/v1
kind: ImageLock
approved:
`

// Bytes gives the file: the same for the same approvals, a block of lines for
// each, in the order of their names, so that two branches that approve
// different images merge.
func (l *Lock) Bytes() ([]byte, error) {
	b := bytes.NewBufferString(lockHead)
	if len(l.Approved) == 0 {
		b.Truncate(b.Len() - 1)
		b.WriteString(" []\n")
	}
	for _, a := range l.Approved {
		if err := a.write(b); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func (a Approved) write(w io.Writer) error {
	type line struct {
		name  string
		value any
	}
	lines := []line{{"name", a.Name}, {"tag", a.Tag}, {"source", a.Source}, {"digest", a.Digest}}
	add := func(name string, value any, there bool) {
		if there {
			lines = append(lines, line{name, value})
		}
	}
	add("mirrored", a.Mirrored, a.Mirrored != "")
	add("kind", a.Kind, true)
	add("mediaType", a.Type, true)
	add("size", a.Size, true)
	add("platforms", a.Platform, len(a.Platform) > 0)
	add("scan", a.Scan, a.Scan != nil)
	add("signature", a.Signed, a.Signed != "")
	add("at", a.At, true)
	add("by", a.By, true)
	add("reason", a.Reason, a.Reason != "")
	for i, l := range lines {
		var value yaml.Node
		if err := value.Encode(l.value); err != nil {
			return err
		}
		value.Style |= yaml.FlowStyle
		if value.Kind == yaml.ScalarNode {
			value.Style = inline(value)
		}
		text, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: l.name}, &value}})
		if err != nil {
			return err
		}
		lead := "    "
		if i == 0 {
			lead = "  - "
		}
		fmt.Fprintf(w, "%s%s", lead, text)
	}
	return nil
}

// inline keeps text of several lines, or long text, on one.
func inline(n yaml.Node) yaml.Style {
	if n.Tag == "!!str" && (len(n.Value) > 100 || bytes.ContainsAny([]byte(n.Value), "\n\r")) {
		return yaml.DoubleQuotedStyle
	}
	return n.Style &^ yaml.FlowStyle
}

// Write writes the file in one step, and tells whether it was another before.
func (l *Lock) Write(path string) (changed bool, err error) {
	if changed, err = l.Differs(path); err != nil || !changed {
		return false, err
	}
	content, err := l.Bytes()
	if err != nil {
		return false, err
	}
	if err := outfile.Write(path, content); err != nil {
		return false, fault.Failedf("%w", err)
	}
	return true, nil
}

// Stamp is a time as the lock has it.
func Stamp(t time.Time) Time { return Time(t.UTC().Format(time.RFC3339)) }

// Differs tells whether Write would change the file.
func (l *Lock) Differs(path string) (bool, error) {
	content, err := l.Bytes()
	if err != nil {
		return false, err
	}
	before, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return len(l.Approved) > 0, nil
	case err != nil:
		return false, fault.Inputf("%w", err)
	}
	return !bytes.Equal(before, content), nil
}
