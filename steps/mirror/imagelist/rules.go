package imagelist

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// rule is what every scalar type knows about its own values: Valid gives nil, or
// says what is wrong and what is allowed.
type rule interface{ Valid() error }

// form is that of the files of this package: one describes what is named, and has
// to have the fields that it needs.
func form(describes, needs string) yamlfile.Form {
	return yamlfile.Form{
		Needs: needs, Describes: describes,
		Valid: func(value any) error {
			if r, ok := value.(rule); ok {
				return r.Valid()
			}
			return nil
		},
	}
}

// choice is text with few allowed values.
type choice interface{ choices() []string }

// APIVersion is the version of the format.
type APIVersion string

func (APIVersion) choices() []string { return []string{"pave/v1"} }

// Valid implements rule.
func (v APIVersion) Valid() error { return yamlfile.Among(v, v.choices()) }

// FileKind tells this file from others of the platform.
type FileKind string

func (FileKind) choices() []string { return []string{"ImageList"} }

// Valid implements rule.
func (k FileKind) Valid() error { return yamlfile.Among(k, k.choices()) }

// Kind is what an entry holds.
type Kind string

// The kinds. Only an image is scanned.
const (
	Image    Kind = "image"
	Chart    Kind = "chart"
	Artefact Kind = "artefact"
)

func (Kind) choices() []string { return []string{string(Image), string(Chart), string(Artefact)} }

// Valid implements rule.
func (k Kind) Valid() error { return yamlfile.Among(k, k.choices()) }

// repositoryForm is a path of a repository, see
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests.
var repositoryForm = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

// maxRepository leaves room for registry and project in the 255 characters of a
// repository.
const maxRepository = 160

// Name is a repository under the target.
type Name string

// Valid implements rule.
func (n Name) Valid() error {
	if len(n) > maxRepository || !repositoryForm.MatchString(string(n)) {
		return fmt.Errorf("%q is not a repository's name: use at most %d lower-case letters, digits, ., _, - and /, as in postgresql", n, maxRepository)
	}
	return nil
}

// sourceForm is registry/repository: the registry has a dot, a port or is
// localhost, so that nothing has to be guessed.
var sourceForm = regexp.MustCompile(`^(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+:[0-9]+|localhost:[0-9]+)(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$`)

// Source is a repository with its registry.
type Source string

// Valid implements rule.
func (s Source) Valid() error { return repository(string(s), "docker.io/library/alpine") }

// Target is a registry with a project, under which the repositories are.
type Target string

// Valid implements rule.
func (t Target) Valid() error { return repository(string(t), "harbor.example.internal/library") }

func repository(s, example string) error {
	if strings.Contains(s, "@") || strings.LastIndex(s, ":") > strings.LastIndex(s, "/") {
		return fmt.Errorf("%q names a tag or a digest: write the repository here, as in %s, and the rest in a field of its own", s, example)
	}
	if _, err := name.NewRepository(s, name.StrictValidation); err != nil || !sourceForm.MatchString(s) {
		return fmt.Errorf("%q is not registry/repository: write it with its registry and without https://, as in %s", s, example)
	}
	return nil
}

var tagForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// legacyForm are the tags that cosign and the referrers fallback keep beside an image.
var legacyForm = regexp.MustCompile(`^sha256-[0-9a-f]{64}`)

// Tag is an image's tag.
type Tag string

// Valid implements rule.
func (t Tag) Valid() error {
	switch {
	case !tagForm.MatchString(string(t)):
		return fmt.Errorf("%q is not a tag: use at most 128 letters, digits, ., _ and -, not starting with . or -", t)
	case legacyForm.MatchString(string(t)):
		return fmt.Errorf("%q belongs to the image with that digest and is carried along with it: delete the line", t)
	}
	return nil
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Digest is the SHA-256 of a manifest.
type Digest string

// Valid implements rule.
func (d Digest) Valid() error {
	if !digestForm.MatchString(string(d)) {
		return fmt.Errorf("%q is not a digest: write sha256: and 64 digits from 0-9a-f", d)
	}
	return nil
}

// Range is a range of versions.
type Range string

// Valid implements rule.
func (r Range) Valid() error {
	if _, err := semver.NewConstraint(string(r)); err != nil {
		return fmt.Errorf(`%q is not a range of versions: write it as in ">=1.22.0 <1.24.0", ~17.2 or ^3.1.0`, r)
	}
	return nil
}

var platformForm = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9_]+(/v[0-9]+(\.[0-9]+)?)?$`)

// Platform is an operating system and an architecture.
type Platform string

// Valid implements rule.
func (p Platform) Valid() error {
	if !platformForm.MatchString(string(p)) {
		return fmt.Errorf("%q is not a platform: write it as in linux/amd64 or linux/arm/v7", p)
	}
	return nil
}

// maxNewest is more than anybody wants to approve.
const maxNewest = 100

// Count is a number of versions.
type Count int

func (Count) bounds() (low, high int) { return 1, maxNewest }

// Valid implements rule.
func (c Count) Valid() error { return yamlfile.Within(int(c), 1, maxNewest) }

// maxFindings is no limit worth the name.
const maxFindings = 100000

// Findings is a number of findings of one severity.
type Findings int

func (Findings) bounds() (low, high int) { return 0, maxFindings }

// Valid implements rule.
func (f Findings) Valid() error { return yamlfile.Within(int(f), 0, maxFindings) }

// NoKey is the key of an entry whose publisher does not sign.
const NoKey KeyFile = "none"

// KeyFile is a file beside images.yaml, or none.
type KeyFile string

// Valid implements rule.
func (k KeyFile) Valid() error {
	if !beside(string(k)) {
		return fmt.Errorf("%q is not a file beside this one: write a path below its folder, as in keys/publisher.pub, or none", k)
	}
	return nil
}

// beside tells whether a path stays below the folder of images.yaml.
func beside(file string) bool {
	clean := path.Clean(file)
	return file != "" && !strings.ContainsAny(file, "\\\n") && !path.IsAbs(clean) && clean != ".." && !strings.HasPrefix(clean, "../")
}

// RootFile is a file beside images.yaml.
type RootFile string

// Valid implements rule.
func (r RootFile) Valid() error {
	if !beside(string(r)) {
		return fmt.Errorf("%q is not a file beside this one: write a path below its folder, as in trusted_root.json", r)
	}
	return nil
}

// maxNote is a long sentence.
const maxNote = 1024

// Note is text for people.
type Note string

// Valid implements rule.
func (n Note) Valid() error { return yamlfile.AtMost(string(n), maxNote) }
