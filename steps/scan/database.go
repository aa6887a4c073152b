package scan

import (
	"context"
	"path/filepath"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/vulndb"
	"github.com/pave-platform/pave/internal/vulndb/defaults"
)

// opened is a database that was found fit for use.
type opened struct {
	vulndb.Database
	java javaIndex
	used UsedDatabase
}

// open finds or downloads the database and checks it.
func (d Database) open(ctx context.Context, now time.Time) (opened, error) {
	if d.MaxAge == 0 {
		d.MaxAge = defaults.MaxAge
	}
	if d.MaxAge < 0 {
		return opened{}, fault.Inputf("a vulnerability database cannot be younger than %s", d.MaxAge).Fix("give an age such as 168h")
	}
	found, source, err := d.find(ctx, now)
	if err != nil {
		return opened{}, err
	}
	return opened{
		Database: found,
		java:     findJavaIndex(d.Dir, filepath.Dir(found.Dir)),
		used:     UsedDatabase{Name: found.Name, SchemaVersion: found.SchemaVersion, UpdatedAt: found.UpdatedAt, Source: source},
	}, nil
}

func (d Database) find(ctx context.Context, now time.Time) (vulndb.Database, string, error) {
	if d.Dir != "" {
		if len(d.Repositories) > 0 {
			return vulndb.Database{}, "", fault.Inputf("the vulnerability database is given twice").
				Fix("give either --database or --database-repository")
		}
		found, err := vulndb.Check(d.Dir, d.MaxAge, now)
		return found, d.Dir, err
	}
	if d.Client == nil {
		return vulndb.Database{}, "", fault.Inputf("no vulnerability database is given").
			Fix("give --database DIR or --database-repository REF")
	}
	if len(d.Repositories) == 0 {
		d.Repositories = defaults.Repositories()
	}
	if d.Cache == "" {
		d.Cache = vulndb.CacheDir()
	}
	return vulndb.Fetch(ctx, d.Client, d.Repositories, d.Cache, d.MaxAge)
}
