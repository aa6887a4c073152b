package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/anchore/syft/syft/format/common/cyclonedxhelpers"
	"github.com/anchore/syft/syft/format/common/spdxhelpers"
	"github.com/anchore/syft/syft/sbom"

	"github.com/pave-platform/pave/internal/outfile"
)

// write encodes both documents, then writes both.
func write(dir string, s *sbom.SBOM, id identity) ([]File, error) {
	spdx, err := encodeSPDX(s, id)
	if err != nil {
		return nil, fmt.Errorf("encode SPDX: %w", err)
	}
	cdx, err := encodeCycloneDX(s, id)
	if err != nil {
		return nil, fmt.Errorf("encode CycloneDX: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var files []File
	for _, f := range []struct {
		format, name string
		content      []byte
	}{
		{"spdx-2.3", "sbom.spdx.json", spdx},
		{"cyclonedx-1.7", "sbom.cdx.json", cdx},
	} {
		path := filepath.Join(dir, f.name)
		if err := outfile.Write(path, f.content); err != nil {
			return nil, err
		}
		files = append(files, File{Format: f.format, Path: path, SHA256: fmt.Sprintf("%x", sha256.Sum256(f.content)), Bytes: int64(len(f.content))})
	}
	return files, nil
}

// encodeSPDX is Syft's SPDX 2.3 model with the parts that change from run to
// run replaced by ones that follow from the image.
func encodeSPDX(s *sbom.SBOM, id identity) ([]byte, error) {
	doc := spdxhelpers.ToFormatModel(*s)
	doc.DocumentNamespace = "https://github.com/pave-platform/pave/spdx/" + id.uuid("spdx", s.Descriptor.Version).String()
	doc.CreationInfo.Created = id.created.Format(time.RFC3339)
	for _, p := range doc.Packages {
		if !strings.HasPrefix(string(p.PackageSPDXIdentifier), "DocumentRoot-") {
			continue
		}
		for _, ref := range p.PackageExternalReferences {
			if ref.RefType == "purl" {
				ref.Locator = id.purl()
			}
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(doc)
	return out.Bytes(), err
}

func encodeCycloneDX(s *sbom.SBOM, id identity) ([]byte, error) {
	bom := cyclonedxhelpers.ToFormatModel(*s)
	bom.SerialNumber = id.uuid("cyclonedx", s.Descriptor.Version).URN()
	bom.Metadata.Timestamp = id.created.Format(time.RFC3339)
	if c := bom.Metadata.Component; c != nil {
		c.PackageURL = id.purl()
	}
	var out bytes.Buffer
	enc := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
	err := enc.EncodeVersion(bom, cyclonedx.SpecVersion1_7)
	return out.Bytes(), err
}
