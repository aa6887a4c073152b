package imagelist

import (
	"cmp"
	"path/filepath"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// Read reads and checks the list at path. The error of an invalid file is a
// fault.Input around [yamlfile.Problems].
func Read(path string) (*List, error) {
	data, err := yamlfile.Load(path, "write one; `pave mirror schema` gives its schema to an editor")
	if err != nil {
		return nil, err
	}
	return Parse(filepath.ToSlash(path), data)
}

// Parse checks data, which came from the file of the given name.
func Parse(file string, data []byte) (*List, error) {
	l := List{file: file}
	read, err := form("list", "apiVersion, kind and images").Read(file, data, &l)
	if err != nil {
		return nil, err
	}
	check(read, &l)
	if err := read.Err(); err != nil {
		return nil, err
	}
	l.places = read.At
	return &l, nil
}

// KeyPath gives the file of an entry's publisher's key, or "" for none. An entry
// with a signer has none.
func (l *List) KeyPath(e Entry) string {
	if e.Signer != nil {
		return ""
	}
	key := e.PublicKey
	if key == "" {
		key = l.Defaults.PublicKey
	}
	if key == "" || key == NoKey {
		return ""
	}
	return l.path(string(key))
}

// RootPath gives the trusted root by which an entry's signer is verified.
func (l *List) RootPath(e Entry) string {
	return l.path(string(cmp.Or(e.TrustedRoot, l.Defaults.TrustedRoot)))
}

func (l *List) path(beside string) string {
	return filepath.Join(filepath.Dir(l.file), filepath.FromSlash(beside))
}

func entryPath(i int) string { return yamlfile.Index("images", i) }

// check finds what is wrong between fields.
func check(f *yamlfile.File, l *List) {
	first := map[string]string{} // where name:tag stood first
	for i, e := range l.Images {
		path := entryPath(i)
		checkChoice(f, e, path)
		checkSigner(f, path)
		tags := e.Tags
		if e.As != "" {
			tags = []Tag{e.As}
		}
		for n, tag := range tags {
			at := yamlfile.Index(path+".tags", n)
			if e.As != "" {
				at = path + ".as"
			}
			key := string(e.Name) + ":" + string(tag)
			if earlier, twice := first[key]; twice && e.Name != "" && tag != "" {
				f.Conflict(at, "%s is mirrored by %s already: delete one of the two", key, earlier)
			}
			first[key] = at
		}
		for n, p := range e.Platforms {
			repeated(f, e.Platforms[:n], p, yamlfile.Index(path+".platforms", n))
		}
	}
	for n, p := range l.Defaults.Platforms {
		repeated(f, l.Defaults.Platforms[:n], p, yamlfile.Index("defaults.platforms", n))
	}
}

func repeated(f *yamlfile.File, before []Platform, p Platform, path string) {
	for _, b := range before {
		if b == p && p != "" {
			f.Conflict(path, "%s is given twice", p)
		}
	}
}

// checkSigner looks at who signs an entry. It looks at what the file has, valid or
// not.
func checkSigner(f *yamlfile.File, path string) {
	if !f.Has(path + ".signer") {
		if f.Has(path + ".trustedRoot") {
			f.Conflict(path+".trustedRoot", "belongs to signer, which is not there: delete the line")
		}
		return
	}
	signer := path + ".signer"
	if f.Has(path + ".publicKey") {
		f.Conflict(signer, "stands beside publicKey: give one of the two")
	}
	if !f.Has(path+".trustedRoot") && !f.Has("defaults.trustedRoot") {
		f.Conflict(signer, "cannot be verified without Sigstore's trusted_root.json: give defaults.trustedRoot its file")
	}
	switch subject, pattern := f.Has(signer+".subject"), f.Has(signer+".subjectPattern"); {
	case subject && pattern:
		f.Conflict(signer+".subjectPattern", "stands beside subject: give one of the two")
	case !subject && !pattern && f.Has(signer+".issuer"):
		f.Conflict(signer, "does not say who signs: give subject or subjectPattern")
	}
}

// checkChoice looks at the fields of which an entry has one, and at those that
// belong to one of them. It looks at what the file has, valid or not.
func checkChoice(f *yamlfile.File, e Entry, path string) {
	has := func(field string) bool { return f.Has(path + "." + field) }
	var given []string
	for _, field := range []string{"tags", "versions", "digest"} {
		if has(field) {
			given = append(given, field)
		}
	}
	switch {
	case len(given) == 0 && has("name"):
		f.Conflict(path, "%s does not say what to mirror: give tags, versions or digest", e.Name)
	case len(given) > 1:
		f.Conflict(path+"."+given[1], "stands beside %s: give one of tags, versions and digest", given[0])
	}
	for field, with := range map[string]string{"variant": "versions", "newest": "versions", "as": "digest"} {
		if has(field) && !has(with) {
			f.Conflict(path+"."+field, "belongs to %s, which is not there: delete the line", with)
		}
	}
	if has("digest") && !has("as") {
		f.Conflict(path+".digest", "has no tag at the target: give it one with as, or the registry's clean-up may take it")
	}
}
