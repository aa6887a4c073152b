package registrytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/token" // token authentication
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	tokenPath    = "/auth/token"
	tokenService = "registry"
	tokenIssuer  = "issuer"
)

// Tokens is a token server as
// https://distribution.github.io/distribution/spec/auth/token/ says: it gives
// what is asked for to whoever has the registry's password.
type Tokens struct {
	Asked  atomic.Int64 // requests for a token
	Single bool         // it refuses to give a token for several repositories
	First  bool         // it gives a token for the first of several repositories

	signer jose.Signer
	valid  atomic.Int64 // tokens from before do not count any more: their number
	given  atomic.Int64
}

// access is what a token allows.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// newTokens makes a token server and the registry's configuration for it.
func newTokens(t testing.TB) (*Tokens, configuration.Auth) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	const id = "test"
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	must(t, err)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: id, Algorithm: string(jose.ES256)}}})
	must(t, err)
	path := filepath.Join(t.TempDir(), "jwks.json")
	must(t, os.WriteFile(path, keys, 0o600))
	return &Tokens{signer: signer}, configuration.Auth{"token": configuration.Parameters{
		"realm": "", "service": tokenService, "issuer": tokenIssuer, "jwks": path,
		"autoredirect": true, "autoredirectpath": tokenPath,
	}}
}

// Expire makes all tokens that were given so far invalid.
func (k *Tokens) Expire() { k.valid.Store(k.given.Load()) }

// guard answers for tokens, and refuses those that are not valid any more.
func (k *Tokens) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			r.Header.Set("X-Forwarded-Proto", "http") // where the registry sends people for a token
		}
		if r.URL.Path == tokenPath {
			k.give(w, r)
			return
		}
		if raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && k.expired(raw) {
			r.Header.Del("Authorization") // the registry answers as to a request without
		}
		next.ServeHTTP(w, r)
	})
}

func (k *Tokens) expired(raw string) bool {
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return true
	}
	var own struct{ Number int64 }
	return token.UnsafeClaimsWithoutVerification(&own) != nil || own.Number <= k.valid.Load()
}

func (k *Tokens) give(w http.ResponseWriter, r *http.Request) {
	k.Asked.Add(1)
	user, pass, _ := r.BasicAuth()
	if user != username || pass != password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	scopes := r.URL.Query()["scope"]
	if k.Single && len(scopes) > 1 {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if k.First {
		scopes = scopes[:min(1, len(scopes))]
	}
	allowed := []access{}
	for _, s := range scopes {
		kind, rest, _ := strings.Cut(s, ":")
		at := strings.LastIndex(rest, ":")
		if at < 0 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		allowed = append(allowed, access{kind, rest[:at], slices.Clone(strings.Split(rest[at+1:], ","))})
	}
	now := time.Now()
	raw, err := jwt.Signed(k.signer).Claims(jwt.Claims{
		Issuer: tokenIssuer, Subject: user, Audience: jwt.Audience{tokenService},
		Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)), NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), IssuedAt: jwt.NewNumericDate(now),
	}).Claims(map[string]any{"access": allowed, "Number": k.given.Add(1)}).Serialize()
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": raw, "expires_in": 300})
}
