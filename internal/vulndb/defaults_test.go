package vulndb_test

import (
	"slices"
	"testing"

	"github.com/aquasecurity/trivy/pkg/db"

	"github.com/pave-platform/pave/internal/vulndb/defaults"
)

func TestTheDefaultRepositoriesAreTrivys(t *testing.T) {
	if want := []string{db.DefaultGCRRepository, db.DefaultGHCRRepository}; !slices.Equal(defaults.Repositories(), want) {
		t.Errorf("the default repositories are %v, Trivy's are %v", defaults.Repositories(), want)
	}
}
