package imagelist

// List is images.yaml: what is mirrored.
type List struct {
	// Version of this format.
	APIVersion APIVersion `yaml:"apiVersion" json:"apiVersion" jsonschema:"required"`
	// Kind of file.
	Kind FileKind `yaml:"kind" json:"kind" jsonschema:"required"`
	// What holds for every entry that does not say otherwise.
	Defaults Defaults `yaml:"defaults" json:"defaults"`
	// What is mirrored. A name may stand in several entries, a tag of it in one.
	Images []Entry `yaml:"images" json:"images" jsonschema:"required,minItems=1"`

	file string
	// places gives file:line:column of a path.
	places func(path string) string
}

// Defaults hold for every entry that does not say otherwise.
type Defaults struct {
	// Registry and project that the images are mirrored to, as in harbor.example.internal/library.
	Target Target `yaml:"target" json:"target,omitempty"`
	// Platforms to mirror, as in linux/amd64. Without it all that there are.
	Platforms []Platform `yaml:"platforms" json:"platforms,omitempty" jsonschema:"minItems=1"`
	// How many findings of each severity still pass. Without it three critical ones.
	Limits *Limits `yaml:"limits" json:"limits,omitempty"`
	// PEM file with the key that publishers sign with, relative to this file.
	PublicKey KeyFile `yaml:"publicKey" json:"publicKey,omitempty"`
	// Sigstore's trusted_root.json, relative to this file: needed as soon as an entry has a signer.
	TrustedRoot RootFile `yaml:"trustedRoot" json:"trustedRoot,omitempty"`
}

// Entry is one repository at the target and what is mirrored into it: exactly one of
// tags, versions and digest says what.
type Entry struct {
	// Repository under the target, as in postgresql.
	Name Name `yaml:"name" json:"name" jsonschema:"required"`
	// Repository that it comes from, with its registry and without a tag.
	Source Source `yaml:"source" json:"source" jsonschema:"required"`
	// Tags to mirror under their own names.
	Tags []Tag `yaml:"tags" json:"tags,omitempty" jsonschema:"minItems=1"`
	// Range of versions to mirror, as in ">=1.22.0 <1.24.0" or ~17.2: of the tags that are versions, without pre-releases.
	Versions Range `yaml:"versions" json:"versions,omitempty"`
	// What follows the version in the tags, as alpine in 1.22.12-alpine. Only with versions.
	Variant Tag `yaml:"variant" json:"variant,omitempty"`
	// How many of the versions in the range to mirror, the highest first. Without it all. Only with versions.
	Newest Count `yaml:"newest" json:"newest,omitempty"`
	// One image by its content.
	Digest Digest `yaml:"digest" json:"digest,omitempty"`
	// Tag at the target of the image that is given by digest.
	As Tag `yaml:"as" json:"as,omitempty"`
	// Platforms to mirror instead of the default ones.
	Platforms []Platform `yaml:"platforms" json:"platforms,omitempty" jsonschema:"minItems=1"`
	// What it is, where its manifest does not tell: only images are scanned.
	Kind Kind `yaml:"kind" json:"kind,omitempty"`
	// Limits instead of the default ones.
	Limits *Limits `yaml:"limits" json:"limits,omitempty"`
	// PEM file with the key that the publisher signs with, relative to this file, or none.
	PublicKey KeyFile `yaml:"publicKey" json:"publicKey,omitempty"`
	// Who signs without a key of their own, instead of publicKey.
	Signer *Signer `yaml:"signer" json:"signer,omitempty"`
	// The trusted_root.json of the Sigstore that the signer uses, instead of the default one. Only with signer.
	TrustedRoot RootFile `yaml:"trustedRoot" json:"trustedRoot,omitempty"`
	// What it is for, for people.
	Note Note `yaml:"note" json:"note,omitempty"`
}

// Signer is an identity that signs with a certificate of Sigstore's (keyless):
// exactly one of subject and subjectPattern says whose.
type Signer struct {
	// Who vouches for the identity, as in https://token.actions.githubusercontent.com.
	Issuer Issuer `yaml:"issuer" json:"issuer" jsonschema:"required"`
	// The identity in the certificate: an address of a workflow, or an e-mail address.
	Subject Subject `yaml:"subject" json:"subject,omitempty"`
	// Regular expression that matches the whole of the identity.
	SubjectPattern Pattern `yaml:"subjectPattern" json:"subjectPattern,omitempty"`
}

// Limits are the numbers of findings that still pass. A severity that is left out
// has no limit.
type Limits struct {
	// Critical findings that still pass.
	Critical *Findings `yaml:"critical" json:"critical,omitempty"`
	// High findings that still pass.
	High *Findings `yaml:"high" json:"high,omitempty"`
	// Medium findings that still pass.
	Medium *Findings `yaml:"medium" json:"medium,omitempty"`
	// Low findings that still pass.
	Low *Findings `yaml:"low" json:"low,omitempty"`
	// Findings of unknown severity that still pass.
	Unknown *Findings `yaml:"unknown" json:"unknown,omitempty"`
}

// Map gives the limits by severity in lower case; those that are left out have
// no entry.
func (l Limits) Map() map[string]int {
	m := map[string]int{}
	for severity, limit := range map[string]*Findings{
		"critical": l.Critical, "high": l.High, "medium": l.Medium, "low": l.Low, "unknown": l.Unknown,
	} {
		if limit != nil {
			m[severity] = int(*limit)
		}
	}
	return m
}

// PlatformsOf gives the platforms to mirror of an entry; none means all.
func (l *List) PlatformsOf(e Entry) []string {
	chosen := e.Platforms
	if len(chosen) == 0 {
		chosen = l.Defaults.Platforms
	}
	var all []string
	for _, p := range chosen {
		all = append(all, string(p))
	}
	return all
}

// LimitsOf gives the limits of an entry by severity in lower case, and false
// where neither it nor the defaults set any.
func (l *List) LimitsOf(e Entry) (map[string]int, bool) {
	switch {
	case e.Limits != nil:
		return e.Limits.Map(), true
	case l.Defaults.Limits != nil:
		return l.Defaults.Limits.Map(), true
	}
	return nil, false
}

// At gives file:line:column of the entry with index i.
func (l *List) At(i int) string { return l.places(entryPath(i)) }
