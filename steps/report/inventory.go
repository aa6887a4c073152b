package report

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pave-platform/pave/internal/fault"
)

// softwarePackage is one row of the SBOM.
type softwarePackage struct {
	Name, Version string
	Kind          string // type of its package URL, such as golang or deb
	Licence       string // SPDX expression, or empty
}

// readPackages lists the packages of an SPDX 2.3 document by kind and name,
// without the one that stands for the image itself.
func readPackages(text []byte, fail func(error)) []softwarePackage {
	type document struct {
		Packages []struct {
			Name      string `json:"name"`
			Version   string `json:"versionInfo"`
			Purpose   string `json:"primaryPackagePurpose"`
			Concluded string `json:"licenseConcluded"`
			Declared  string `json:"licenseDeclared"`
			Refs      []struct {
				Type    string `json:"referenceType"`
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
	}
	doc := decode[document](spdxFile, text, fail)
	if doc == nil {
		return nil
	}
	var out []softwarePackage
	for _, p := range doc.Packages {
		if p.Purpose == "CONTAINER" {
			continue
		}
		row := softwarePackage{Name: p.Name, Version: p.Version}
		for _, l := range []string{p.Declared, p.Concluded} {
			if l != "NOASSERTION" && l != "NONE" {
				row.Licence = cmp.Or(row.Licence, l)
			}
		}
		for _, ref := range p.Refs {
			if ref.Type == "purl" {
				row.Kind = purlType(ref.Locator)
			}
		}
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b softwarePackage) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return out
}

func purlType(purl string) string {
	u, err := url.Parse(purl)
	if err != nil || u.Scheme != "pkg" {
		return ""
	}
	kind, _, _ := strings.Cut(strings.TrimLeft(u.Opaque+u.Path, "/"), "/")
	return kind
}

// object is one Kubernetes object of the manifests.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
}

// readObjects lists the objects in a stream of YAML documents.
func readObjects(text []byte, fail func(error)) []object {
	var out []object
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		err := dec.Decode(&o)
		switch {
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			fail(fault.Inputf("%s: %w", manifestsFile, err))
			return nil
		case o.Kind != "":
			out = append(out, o)
		}
	}
}
