package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-openapi/runtime"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sigstore/rekor/pkg/generated/models"
	rekor "github.com/sigstore/rekor/pkg/types"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/sign"
)

// rekorDouble answers POST /api/v1/log/entries as Rekor does, per
// https://github.com/sigstore/rekor/blob/main/openapi.yaml. It judges entries
// with Rekor's own code. The log itself, which needs Trillian and a database, is
// a tree of one leaf without a signed checkpoint.
type rekorDouble struct {
	entries atomic.Int64
	broken  atomic.Bool
}

func (d *rekorDouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.broken.Load() {
		http.Error(w, `{"code":500,"message":"no database"}`, http.StatusInternalServerError)
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/api/v1/log/entries" {
		http.NotFound(w, r)
		return
	}
	proposed, err := models.UnmarshalProposedEntry(r.Body, runtime.JSONConsumer())
	if err != nil {
		refuse(w, err)
		return
	}
	entry, err := rekor.CreateVersionedEntry(proposed)
	if err != nil {
		refuse(w, err)
		return
	}
	body, err := rekor.CanonicalizeEntry(r.Context(), entry)
	if err != nil {
		refuse(w, err)
		return
	}
	d.entries.Add(1)
	uuid := hex.EncodeToString(bytes.Repeat([]byte{7}, 32))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/api/v1/log/entries/"+uuid)
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{uuid: map[string]any{
		"body":           base64.StdEncoding.EncodeToString(body),
		"integratedTime": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Unix(),
		"logID":          hex.EncodeToString(make([]byte, 32)),
		"logIndex":       0,
		"verification": map[string]any{
			"signedEntryTimestamp": []byte("unsigned"),
			"inclusionProof": map[string]any{
				"checkpoint": "double\n1\n\n", "hashes": []string{}, "logIndex": 0, "treeSize": 1, "rootHash": uuid,
			},
		},
	}})
}

func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": 400, "message": err.Error()})
}

func TestSignaturesAreRecordedInATransparencyLog(t *testing.T) {
	t.Parallel()
	for _, format := range []sign.Format{sign.Bundle, sign.Legacy} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			var double rekorDouble
			server := httptest.NewServer(&double)
			defer server.Close()
			l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
			target := l.target(format)
			target.RekorURL = server.URL
			spdx := facts(t)[:1]

			double.broken.Store(true)
			_, err := sign.Image(t.Context(), target)
			refused(t, err, fault.Failed, server.URL, "did not record")
			if n := l.manifests(t); n != 0 {
				t.Errorf("what is not recorded left %d manifests", n)
			}

			double.broken.Store(false)
			for range 2 {
				_, err = sign.Image(t.Context(), target)
				must(t, err)
				_, err = sign.Attest(t.Context(), target, spdx)
				must(t, err)
			}
			if n := double.entries.Load(); n != 2 {
				t.Errorf("%d entries are recorded, want one for the signature and one for the attestation", n)
			}
			_, err = sign.Verify(t.Context(), l.verification("spdx"))
			must(t, err)
			if format == sign.Bundle {
				l.wantLogEntries(t, 2)
			}
		})
	}
}

// wantLogEntries wants n bundles, each with one entry of the log.
func (l *lab) wantLogEntries(t *testing.T, n int) {
	t.Helper()
	found := l.referrers(t)
	if len(found) != n {
		t.Errorf("there are %d bundles, want %d", len(found), n)
	}
	for _, d := range found {
		got, err := remote.Get(l.digest.Context().Digest(d.Digest.String()), l.Client(t).Remote(t.Context())...)
		must(t, err)
		m, err := v1.ParseManifest(bytes.NewReader(got.Manifest))
		must(t, err)
		var bundle struct {
			VerificationMaterial struct {
				TlogEntries []json.RawMessage `json:"tlogEntries"`
			} `json:"verificationMaterial"`
		}
		must(t, json.Unmarshal(l.blob(t, m.Layers[0]), &bundle))
		if len(bundle.VerificationMaterial.TlogEntries) != 1 {
			t.Errorf("a bundle holds %d entries of the log", len(bundle.VerificationMaterial.TlogEntries))
		}
	}
}
