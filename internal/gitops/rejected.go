package gitops

import (
	"fmt"
	"regexp"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// Rejection is one digest that must not run in a project any more.
type Rejection struct {
	Digest string    `json:"digest"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// Rejections are a project's, oldest first. None is ever taken away.
type Rejections struct {
	Rejected []Rejection `json:"rejected"`
}

const rejectedNotice = notForArgoCD + `# Written by pave promote reject: what must not be deployed or promoted in this
# project any more.
`

// RejectedPath is where a project's rejections are in the repository.
func RejectedPath(project string) string { return projectFolder(project) + "rejected.yaml" }

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// ValidDigest refuses what is not a whole digest.
func ValidDigest(digest string) error {
	if !digestForm.MatchString(digest) {
		return fault.Inputf("%q is not a digest", digest).Fix("write it as sha256: and 64 hexadecimal digits")
	}
	return nil
}

// LoadRejections reads a project's.
func LoadRejections(tree *gitrepo.Tree, project string) (Rejections, error) {
	var r Rejections
	if _, err := load(tree, RejectedPath(project), &r); err != nil {
		return Rejections{}, err
	}
	for i, entry := range r.Rejected {
		if err := ValidDigest(entry.Digest); err != nil {
			return Rejections{}, damaged(RejectedPath(project), fmt.Errorf("entry %d: %w", i+1, err))
		}
	}
	return r, nil
}

// Find gives the rejection of a digest; nil if it is not rejected.
func (r Rejections) Find(digest string) *Rejection {
	for i := range r.Rejected {
		if r.Rejected[i].Digest == digest {
			return &r.Rejected[i]
		}
	}
	return nil
}

// Render gives rejected.yaml.
func (r Rejections) Render() ([]byte, error) {
	body, err := yaml.Marshal(r)
	return append([]byte(rejectedNotice), body...), err
}

// Refuse is the gate that keeps a rejected digest out of project.
func (r Rejections) Refuse(project, digest string) error {
	if found := r.Find(digest); found != nil {
		return fault.Gatef("%s is rejected in project %s: %s (by %s, %s)", digest, project, found.Reason, found.By, found.At.Format(time.RFC3339)).
			Fix("take another digest: a rejection is for ever")
	}
	return nil
}

// RefuseRejected is Refuse for the rejections in tree.
func RefuseRejected(tree *gitrepo.Tree, project, digest string) error {
	r, err := LoadRejections(tree, project)
	if err != nil {
		return err
	}
	return r.Refuse(project, digest)
}
