// Package defaults has what holds for a scan and its vulnerability database where
// nobody says otherwise, for programs that have flags for them and no scanner.
package defaults

import "time"

// MaxAge is how old a database may be.
const MaxAge = 7 * 24 * time.Hour

// MaxCritical is how many critical findings pass; of others, any number does.
const MaxCritical = 3

// Repositories are where trivy-db is published, in the order in which Trivy tries
// them.
func Repositories() []string {
	return []string{"mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2"}
}
