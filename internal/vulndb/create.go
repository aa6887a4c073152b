package vulndb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/ecosystem"
	"github.com/aquasecurity/trivy-db/pkg/metadata"
	"github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/bucket"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/vulnerability"
	bolt "go.etcd.io/bbolt"

	"github.com/pave-platform/pave/internal/fault"
)

// CreateOptions say what to put into a database and where.
type CreateOptions struct {
	Output    string    // folder for trivy.db and metadata.json; made if missing
	From      string    // YAML file with advisories; empty for the embedded demo
	UpdatedAt time.Time // when the advisories were collected; zero for now
}

// Created says what Create made.
type Created struct {
	Path       string    `json:"path"`
	Name       string    `json:"name"`
	Advisories int       `json:"advisories"`
	UpdatedAt  time.Time `json:"updatedAt"`
}

// Summary writes a line for a person.
func (c Created) Summary(w io.Writer) {
	fmt.Fprintf(w, "%s: %d advisories, updated %s\n%s\n", c.Name, c.Advisories, c.UpdatedAt.Format(time.RFC3339), c.Path)
}

// Create makes a small database in the format of trivy-db, schema 2. A database
// that is already in the folder is replaced in one step per file.
func Create(ctx context.Context, o CreateOptions) (Created, error) {
	if o.Output == "" {
		return Created{}, fault.Inputf("no folder given for the database")
	}
	doc, err := readAdvisories(o.From)
	if err != nil {
		return Created{}, err
	}
	if o.UpdatedAt.IsZero() {
		o.UpdatedAt = time.Now()
	}
	o.UpdatedAt = o.UpdatedAt.UTC().Truncate(time.Second)
	if err := os.MkdirAll(o.Output, 0o755); err != nil {
		return Created{}, err
	}
	work, err := os.MkdirTemp(o.Output, ".new-")
	if err != nil {
		return Created{}, err
	}
	defer os.RemoveAll(work)
	if err := writeBolt(filepath.Join(work, boltFile), doc); err != nil {
		return Created{}, err
	}
	if err := writeMetadata(filepath.Join(work, metadataFile), o.UpdatedAt); err != nil {
		return Created{}, err
	}
	if err := ctx.Err(); err != nil {
		return Created{}, err
	}
	for _, name := range []string{boltFile, metadataFile} {
		if err := os.Rename(filepath.Join(work, name), filepath.Join(o.Output, name)); err != nil {
			return Created{}, err
		}
	}
	return Created{Path: o.Output, Name: doc.Name, Advisories: len(doc.Advisories), UpdatedAt: o.UpdatedAt}, nil
}

func writeMetadata(path string, updated time.Time) error {
	b, err := json.Marshal(metadata.Metadata{
		Version:      db.SchemaVersion,
		UpdatedAt:    updated,
		NextUpdate:   updated.Add(24 * time.Hour),
		DownloadedAt: updated, // Trivy's own command takes a zero time for a damaged download
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

func writeBolt(path string, doc document) (err error) {
	d, err := bolt.Open(path, 0o644, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte(nameBucket))
		if err != nil {
			return err
		}
		if err := b.Put([]byte("name"), []byte(doc.Name)); err != nil {
			return err
		}
		// Trivy crashes without this bucket, even if it finds nothing.
		if _, err := tx.CreateBucketIfNotExists([]byte(vulnerabilityBucket)); err != nil {
			return err
		}
		for _, a := range doc.Advisories {
			if err := a.put(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

var (
	debianTracker = types.DataSource{
		ID: vulnerability.Debian, Name: "Debian Security Tracker",
		URL: "https://salsa.debian.org/security-tracker-team/security-tracker",
	}
	goDatabase = types.DataSource{
		ID: vulnerability.GoVulnDB, Name: "The Go Vulnerability Database", URL: "https://pkg.go.dev/vuln/",
	}
	github = types.DataSource{
		ID: vulnerability.GHSA, Name: "GitHub Security Advisory Go",
		URL: "https://github.com/advisories?query=type%3Areviewed+ecosystem%3Ago",
	}
)

func (a advisory) put(tx *bolt.Tx) error {
	for _, g := range a.Go {
		source := goSource(g.Module)
		name := ecosystem.Go.String() + "::" + source.Name
		if err := a.putIn(tx, name, source, g.Module, &types.Advisory{VulnerableVersions: g.Vulnerable}); err != nil {
			return err
		}
	}
	for _, d := range a.Debian {
		name := bucket.NewDebian(d.Release).Name()
		detail := &types.Advisory{FixedVersion: d.Fixed}
		if d.Fixed == "" {
			detail.Status = types.StatusAffected
		}
		if err := a.putIn(tx, name, debianTracker, d.Source, detail); err != nil {
			return err
		}
	}
	severities := types.VendorSeverity{}
	for source, name := range a.Severity {
		s, err := types.NewSeverity(name)
		if err != nil {
			return err
		}
		severities[source] = s
	}
	return db.Config{}.PutVulnerability(tx, a.ID, types.Vulnerability{
		Title: a.Title, Description: a.Description, VendorSeverity: severities, References: a.References,
	})
}

func (a advisory) putIn(tx *bolt.Tx, name string, source types.DataSource, pkg string, detail *types.Advisory) error {
	if err := (db.Config{}).PutDataSource(tx, name, source); err != nil {
		return err
	}
	return db.Config{}.PutAdvisory(tx, []string{name, pkg}, a.ID, detail)
}

// goSource files a module where trivy-db does: the standard library and
// golang.org/x under the Go team's database, the rest under GitHub's.
func goSource(module string) types.DataSource {
	if module == "stdlib" || strings.HasPrefix(module, "golang.org/x/") {
		return goDatabase
	}
	return github
}
