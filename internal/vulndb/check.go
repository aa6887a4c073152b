// Package vulndb makes, checks, ships and fetches vulnerability databases in
// the format of trivy-db, schema 2. It promises that a database which passes
// Check can be given to Trivy without crashing it, and that a fetched one is
// complete or not there at all.
package vulndb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/metadata"
	bolt "go.etcd.io/bbolt"

	"github.com/pave-platform/pave/internal/fault"
)

const (
	boltFile            = "trivy.db"
	metadataFile        = "metadata.json"
	vulnerabilityBucket = "vulnerability"

	// nameBucket holds what a database that is not trivy-db's own calls
	// itself. It is in the database and not beside it, because a mirror or
	// Trivy's own download keeps trivy.db and rewrites metadata.json.
	nameBucket = "pave"

	// officialName is what a database without a name is: trivy-db's own.
	officialName = "trivy-db"
)

// Database is a checked database in a folder.
type Database struct {
	Dir           string // folder with trivy.db and metadata.json
	Name          string // trivy-db, or what the database calls itself
	SchemaVersion int
	UpdatedAt     time.Time

	buckets []string // advisory buckets, e.g. "debian 12" or "go::GitHub Security Advisory Go"
}

// Covers says whether the database knows anything of a distribution or an
// ecosystem, by the beginning of its bucket's name without regard to case.
func (d Database) Covers(prefix string) bool {
	for _, b := range d.buckets {
		if len(b) >= len(prefix) && strings.EqualFold(b[:len(prefix)], prefix) {
			return true
		}
	}
	return false
}

const refresh = "refresh it with pave scan database, or give a newer one"

// Check opens dir, or the folder db in it, read-only. Every fault is an input
// error that names the file and the remedy: a file that is missing, that is no
// database, that is cut short, whose schema is another, or whose advisories
// are older than maxAge at the time now.
func Check(dir string, maxAge time.Duration, now time.Time) (Database, error) {
	dir, err := locate(dir)
	if err != nil {
		return Database{}, err
	}
	return check(dir, "vulnerability database "+dir, maxAge, now)
}

// check is Check for a folder that is called what in errors.
func check(dir, what string, maxAge time.Duration, now time.Time) (Database, error) {
	d, err := readMetadata(dir, what)
	if err != nil {
		return Database{}, err
	}
	age := now.Sub(d.UpdatedAt)
	switch {
	case age < -24*time.Hour: // else it would never become stale
		return Database{}, fault.Inputf("%s is from the future: updated %s", what, d.UpdatedAt.Format(time.RFC3339)).
			Fix("check this machine's clock and the database's source")
	case age > maxAge:
		return Database{}, fault.Inputf("%s is stale: updated %s, %s ago, allowed are %s",
			what, d.UpdatedAt.Format(time.RFC3339), days(age), days(maxAge)).
			Fix("%s, or raise --database-max-age", refresh)
	}
	if err := d.readBolt(); err != nil {
		return Database{}, fault.Inputf("%s is not usable: %s: %w", what, boltFile, err).Fix(refresh)
	}
	return d, nil
}

// locate finds the folder: dir itself or, as in Trivy's cache, dir/db.
func locate(dir string) (string, error) {
	for _, candidate := range []string{dir, filepath.Join(dir, "db")} {
		if _, err := os.Stat(filepath.Join(candidate, boltFile)); err == nil {
			return candidate, nil
		}
	}
	return "", fault.Inputf("no vulnerability database in %s: %s is missing", dir, boltFile).
		Fix("download one with pave scan database --output DIR, or give --database-repository")
}

func readMetadata(dir, what string) (Database, error) {
	path := filepath.Join(dir, metadataFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Database{}, fault.Inputf("%s has no %s: its age and schema are unknown", what, metadataFile).
			Fix("copy the file that came with %s, or %s", boltFile, refresh)
	}
	if err != nil {
		return Database{}, fault.Inputf("%s: %w", what, err)
	}
	var m metadata.Metadata
	if err := json.Unmarshal(b, &m); err != nil {
		return Database{}, fault.Inputf("%s is not usable: %s: %w", what, metadataFile, err).Fix(refresh)
	}
	if m.Version != db.SchemaVersion {
		return Database{}, fault.Inputf("%s has schema %d, this pave reads schema %d", what, m.Version, db.SchemaVersion).
			Fix("get the database tagged %d", db.SchemaVersion)
	}
	if m.UpdatedAt.IsZero() {
		return Database{}, fault.Inputf("%s is not usable: %s does not say when it was updated", what, metadataFile).Fix(refresh)
	}
	return Database{Dir: dir, Name: officialName, SchemaVersion: m.Version, UpdatedAt: m.UpdatedAt.UTC()}, nil
}

// readBolt looks into trivy.db as far as needed to know that Trivy can.
func (d *Database) readBolt() (err error) {
	path := filepath.Join(d.Dir, boltFile)
	// bbolt maps the file: a damaged page is a fault in memory, not an error.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a damaged page: %v", r)
		}
	}()
	b, err := bolt.Open(path, 0o444, &bolt.Options{ReadOnly: true, Timeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer b.Close()
	return b.View(func(tx *bolt.Tx) error {
		if info, err := os.Stat(path); err != nil || info.Size() < tx.Size() {
			return errors.New("the file is cut short")
		}
		if tx.Bucket([]byte(vulnerabilityBucket)) == nil {
			return fmt.Errorf("it has no bucket %q", vulnerabilityBucket)
		}
		if named := tx.Bucket([]byte(nameBucket)); named != nil {
			d.Name = string(named.Get([]byte("name")))
		}
		return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
			d.buckets = append(d.buckets, string(name))
			return nil
		})
	})
}

// days writes a duration as people count the age of a database.
func days(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
