package sbom

import (
	"context"
	"sync"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/cataloging"
)

// licenseScanner is a context that holds Syft's license scanner. Building one
// takes about a second of processor time: it is done once per process, and by
// catalogue while the image is read.
var licenseScanner = sync.OnceValues(func() (context.Context, error) {
	return syft.SetContextLicenseScanner(context.Background(), cataloging.DefaultLicenseConfig())
})

// withLicenseScanner is ctx with the scanner's values.
func withLicenseScanner(ctx context.Context) (context.Context, error) {
	scanner, err := licenseScanner()
	return values{ctx, scanner}, err
}

// values is a context that looks up in another what it has not itself.
type values struct {
	context.Context
	more context.Context
}

// Value implements context.Context.
func (v values) Value(key any) any {
	if own := v.Context.Value(key); own != nil {
		return own
	}
	return v.more.Value(key)
}
