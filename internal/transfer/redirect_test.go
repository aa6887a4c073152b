package transfer_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/transfer"
)

// TestAStoreBehindARegistryGetsNoCredentials is about registries that keep blobs
// elsewhere and send one there with a signature in the address.
func TestAStoreBehindARegistryGetsNoCredentials(t *testing.T) {
	for name, broken := range map[string]bool{"that gives the blob": false, "that refuses": true} {
		t.Run(name, func(t *testing.T) {
			p := usual(t)
			e, d := one(t, p)
			asked := make(chan string, 10)
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- r.Header.Get("Authorization")
				if broken {
					panic(http.ErrAbortHandler)
				}
				_, _ = w.Write(p.make.raw[p.make.layer()])
			}))
			t.Cleanup(store.Close)
			p.source.Break("GET", registrytest.Blob(p.make.layer()), -1, registrytest.Answer(307, "", "Location", store.URL+"/x?signature=s3cret"))
			_, err := transfer.Copy(t.Context(), []transfer.Entry{e}, p.options(t))
			if credentials := <-asked; credentials != "" {
				t.Errorf("the store was told %q", credentials)
			}
			if !broken {
				must(t, err)
				p.source.Heal()
				same(t, p.to, "library/app:1", d.Digest)
				return
			}
			wants(t, err, fault.Failed, "pub/app")
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells the signature: %v", err)
			}
		})
	}
}
