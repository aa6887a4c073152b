package registrytest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd" // basic authentication
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // storage in a folder
	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/bcrypt"
)

// Distribution starts github.com/distribution/distribution, the registry that
// most others are made of. It has no referrers API.
func Distribution(t testing.TB, o Options) *Registry {
	t.Helper()
	logrus.SetLevel(logrus.PanicLevel) // it logs every request
	config := &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem":  configuration.Parameters{"rootdirectory": t.TempDir()},
			"delete":      configuration.Parameters{"enabled": true},
			"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
		},
	}
	config.HTTP.Secret = "one process only"
	config.Catalog.MaxEntries = 1000
	if o.ForeignURLs {
		config.Validation.Manifests.URLs.Allow = []string{"^https://"}
	}
	if o.Sparse {
		config.Validation.Manifests.Indexes.Platforms = "none"
	}
	var tokens *Tokens
	if o.Tokens {
		tokens, config.Auth = newTokens(t)
	} else if !o.Anonymous {
		config.Auth = configuration.Auth{"htpasswd": configuration.Parameters{"realm": "test", "path": htpasswd(t)}}
	}
	app := handlers.NewApp(t.Context(), config)
	t.Cleanup(func() { must(t, app.Shutdown()) })
	var handler http.Handler = app
	if tokens != nil {
		handler = tokens.guard(handler)
	}
	if o.Wrap != nil {
		handler = o.Wrap(handler)
	}
	r := start(t, o, handler)
	r.Tokens = tokens
	return r
}

func htpasswd(t testing.TB) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	must(t, err)
	path := filepath.Join(t.TempDir(), "htpasswd")
	must(t, os.WriteFile(path, fmt.Appendf(nil, "%s:%s\n", username, hash), 0o600))
	return path
}
