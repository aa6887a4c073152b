package imagelist

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/strictyaml"
)

// Read reads and checks the list at path. The error of an invalid file is a
// fault.Input around [strictyaml.Problems].
func Read(path string) (*List, error) {
	data, err := readLimited(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Inputf("%s does not exist", path).Fix("write one; `pave mirror schema` gives its schema to an editor")
	}
	if err != nil {
		return nil, fault.Inputf("%w", err)
	}
	return Parse(filepath.ToSlash(path), data)
}

// Parse checks data, which came from the file of the given name.
func Parse(file string, data []byte) (*List, error) {
	root, problems := strictyaml.Document(file, data, strictyaml.Words{Needs: "apiVersion, kind and images", One: "list"})
	if len(problems) > 0 {
		return nil, fault.Inputf("%w", problems)
	}
	l := List{file: file}
	d := strictyaml.Decoder{File: file, Rules: rules}
	d.Decode(root, &l)
	check(&d, &l)
	if len(d.Problems) > 0 {
		d.Problems.Sort()
		return nil, fault.Inputf("%w", d.Problems)
	}
	l.places = func(path string) string {
		at := d.Places[d.Around(path)]
		return fmt.Sprintf("%s:%d:%d", file, at.Line, at.Column)
	}
	return &l, nil
}

// readLimited reads one byte more than is allowed, so that a file that is too
// large is seen without taking it into memory.
func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, strictyaml.MaxBytes+1))
}

// KeyPath gives the file of an entry's publisher's key, or "" for none.
func (l *List) KeyPath(e Entry) string {
	key := e.PublicKey
	if key == "" {
		key = l.Defaults.PublicKey
	}
	if key == "" || key == NoKey {
		return ""
	}
	return filepath.Join(filepath.Dir(l.file), filepath.FromSlash(string(key)))
}

func entryPath(i int) string { return strictyaml.Index("images", i) }

// check finds what is wrong between fields.
func check(d *strictyaml.Decoder, l *List) {
	first := map[string]string{} // where name:tag stood first
	for i, e := range l.Images {
		path := entryPath(i)
		checkChoice(d, e, path)
		tags := e.Tags
		if e.As != "" {
			tags = []Tag{e.As}
		}
		for n, tag := range tags {
			at := strictyaml.Index(path+".tags", n)
			if e.As != "" {
				at = path + ".as"
			}
			key := string(e.Name) + ":" + string(tag)
			if earlier, twice := first[key]; twice && e.Name != "" && tag != "" {
				d.Conflict(at, "%s is mirrored by %s already: delete one of the two", key, earlier)
			}
			first[key] = at
		}
		for n, p := range e.Platforms {
			repeated(d, e.Platforms[:n], p, strictyaml.Index(path+".platforms", n))
		}
	}
	for n, p := range l.Defaults.Platforms {
		repeated(d, l.Defaults.Platforms[:n], p, strictyaml.Index("defaults.platforms", n))
	}
}

func repeated(d *strictyaml.Decoder, before []Platform, p Platform, path string) {
	for _, b := range before {
		if b == p && p != "" {
			d.Conflict(path, "%s is given twice", p)
		}
	}
}

// checkChoice looks at the fields of which an entry has one, and at those that
// belong to one of them. It looks at what the file has, valid or not.
func checkChoice(d *strictyaml.Decoder, e Entry, path string) {
	has := func(field string) bool { _, ok := d.Places[path+"."+field]; return ok }
	var given []string
	for _, field := range []string{"tags", "versions", "digest"} {
		if has(field) {
			given = append(given, field)
		}
	}
	switch {
	case len(given) == 0 && has("name"):
		d.Conflict(path, "%s does not say what to mirror: give tags, versions or digest", e.Name)
	case len(given) > 1:
		d.Conflict(path+"."+given[1], "stands beside %s: give one of tags, versions and digest", given[0])
	}
	for field, with := range map[string]string{"variant": "versions", "newest": "versions", "as": "digest"} {
		if has(field) && !has(with) {
			d.Conflict(path+"."+field, "belongs to %s, which is not there: delete the line", with)
		}
	}
	if has("digest") && !has("as") {
		d.Conflict(path+".digest", "has no tag at the target: give it one with as, or the registry's clean-up may take it")
	}
}
