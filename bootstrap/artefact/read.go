package artefact

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

// again is the remedy for everything that is wrong with a file.
const again = "run `pave bootstrap vms apply` again, which changes nothing that is there, and pass its file on as it is"

// Expect is what the reader knows about the artefact that it needs. A zero field
// expects nothing.
type Expect struct {
	Cluster string        // name
	ID      string        // of the cluster
	MaxAge  time.Duration // since it was made
	Now     time.Time     // default: time.Now
}

// skew is how far the clocks of two runners may be apart.
const skew = 5 * time.Minute

// maxFile is several times the artefact of a cluster of 500 nodes.
const maxFile = 2 * maxSealed

// Read reads and checks the artefact at path. Every error is a fault.Input.
func Read(path string, e Expect) (*Artefact, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Inputf("the artefact %s does not exist", path).
			Fix("pass on what phase 1 wrote: it is the artefact of the step that runs `pave bootstrap vms apply`")
	}
	if err != nil {
		return nil, fault.Inputf("artefact: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fault.Inputf("artefact: %w", err)
	}
	return Parse(path, data, e)
}

// Parse checks data, which came from the file of the given name.
func Parse(name string, data []byte, e Expect) (*Artefact, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fault.Inputf("the artefact %s is empty", name).Fix("%s", again)
	}
	var head struct {
		Kind    string
		Version int
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fault.Inputf("the artefact %s is cut off or no JSON: %w", name, err).Fix("%s", again)
	}
	switch {
	case head.Kind != Kind:
		return nil, fault.Inputf("%s is not the artefact of phase 1: its kind is %q, not %s", name, head.Kind, Kind).Fix("give the file %s", FileName)
	case head.Version > Version:
		return nil, fault.Inputf("the artefact %s has format %d, this pave knows %d", name, head.Version, Version).Fix("use the version of pave that phase 1 used, or a later one")
	case head.Version < Version:
		return nil, fault.Inputf("the artefact %s has format %d, which this pave no longer reads", name, head.Version).Fix("%s", again)
	}
	var a Artefact
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return nil, fault.Inputf("the artefact %s is altered: %w", name, err).Fix("%s", again)
	}
	if !a.isWritten(data) {
		return nil, fault.Inputf("the artefact %s is altered: its checksum is not that of its content", name).Fix("%s", again)
	}
	return &a, a.expected(name, e)
}

// isWritten tells whether data says what [Artefact.Encode] would, and nothing
// else. White space makes no difference: Git and editors change line ends.
func (a *Artefact) isWritten(data []byte) bool {
	sum, err := a.checksum()
	if err != nil || sum != a.Checksum {
		return false
	}
	written, err := encode(a)
	if err != nil {
		return false
	}
	var got, want bytes.Buffer
	return json.Compact(&got, data) == nil && json.Compact(&want, written) == nil && bytes.Equal(got.Bytes(), want.Bytes())
}

func (a *Artefact) expected(name string, e Expect) error {
	now := e.Now
	if now.IsZero() {
		now = time.Now()
	}
	age := now.Sub(a.CreatedAt).Round(time.Second)
	switch {
	case e.Cluster != "" && a.Cluster.Name != e.Cluster:
		return fault.Inputf("the artefact %s is of cluster %s, not of %s", name, a.Cluster.Name, e.Cluster).Fix("give the artefact of that cluster")
	case e.ID != "" && a.Cluster.ID != e.ID:
		return fault.Inputf("the artefact %s is of another cluster that was called %s too: its id is %s, not %s", name, a.Cluster.Name, a.Cluster.ID, e.ID).
			Fix("give the artefact of the cluster that is there now")
	case age < -skew:
		return fault.Inputf("the artefact %s was made %s from now, on %s", name, -age, a.CreatedAt.Format(time.RFC3339)).
			Fix("set the clocks of both runners: certificates fail too while they differ")
	case e.MaxAge > 0 && age > e.MaxAge:
		return fault.Inputf("the artefact %s is %s old, older than %s", name, age, e.MaxAge).Fix("%s", again)
	}
	return nil
}
