package registry

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxManifest is what registries commonly accept.
const maxManifest = 4 << 20

// persistent keeps what inner accepts.
type persistent struct {
	inner          http.Handler
	store          *store
	listsReferrers bool
}

var (
	manifestPath  = regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)
	referrersPath = regexp.MustCompile(`^/v2/(.+)/referrers/([^/]+)$`)
)

// ServeHTTP implements http.Handler.
func (p *persistent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m := manifestPath.FindStringSubmatch(r.URL.Path); m != nil {
		switch r.Method {
		case http.MethodPut:
			p.put(w, r, m[1], m[2])
			return
		case http.MethodDelete:
			p.delete(w, r, m[1], m[2])
			return
		}
	}
	if m := referrersPath.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodGet && p.listsReferrers {
		p.referrers(w, r, m[1])
		return
	}
	p.inner.ServeHTTP(w, r)
}

func (p *persistent) put(w http.ResponseWriter, r *http.Request, repository, reference string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxManifest))
	if err != nil { // cut off or too large: the inner registry would keep the part
		refuse(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	if h, err := v1.NewHash(reference); err == nil {
		if got, _, _ := v1.SHA256(bytes.NewReader(body)); got != h {
			refuse(w, http.StatusBadRequest, "DIGEST_INVALID", "the manifest's digest is "+got.String())
			return
		}
	}
	var m struct {
		Subject *v1.Descriptor `json:"subject"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		refuse(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := &held{header: w.Header()}
	if m.Subject != nil {
		answer.header.Set("OCI-Subject", m.Subject.Digest.String())
	}
	p.inner.ServeHTTP(answer, r)
	if answer.status == http.StatusCreated {
		if err := p.keep(repository, reference, r.Header.Get("Content-Type"), body); err != nil {
			refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
			return
		}
	}
	answer.release(w)
}

// keep stores the manifest by its digest too: moving the tag must not lose it.
func (p *persistent) keep(repository, reference, mediaType string, body []byte) error {
	h, _, err := v1.SHA256(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := p.store.put(record{repository, h.String(), mediaType, body}); err != nil || reference == h.String() {
		return err
	}
	return p.store.put(record{repository, reference, mediaType, body})
}

func (p *persistent) delete(w http.ResponseWriter, r *http.Request, repository, reference string) {
	answer := &held{header: w.Header()}
	p.inner.ServeHTTP(answer, r)
	if answer.status == http.StatusAccepted {
		if err := p.store.delete(repository, reference); err != nil {
			refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
			return
		}
	}
	answer.release(w)
}

// referrers corrects the inner registry's answer: the artifact type is the
// manifest's own where it has one, the order is stable, the artifactType
// filter works, and a repository that is not there yet has no referrers (a 404
// would say that the API is missing).
func (p *persistent) referrers(w http.ResponseWriter, r *http.Request, repository string) {
	answer := &held{header: w.Header()}
	p.inner.ServeHTTP(answer, r)
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	switch answer.status {
	case http.StatusNotFound:
		answer.status = http.StatusOK
		answer.header.Set("Content-Type", string(types.OCIImageIndex))
	case http.StatusOK:
		if err := json.Unmarshal(answer.body.Bytes(), &index); err != nil {
			refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
			return
		}
	default:
		answer.release(w)
		return
	}
	for i, d := range index.Manifests {
		if own := p.artifactType(repository, d.Digest); own != "" {
			index.Manifests[i].ArtifactType = own
		}
	}
	slices.SortFunc(index.Manifests, func(x, y v1.Descriptor) int { return bytes.Compare([]byte(x.Digest.Hex), []byte(y.Digest.Hex)) })
	if filter := r.URL.Query().Get("artifactType"); filter != "" {
		index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool { return d.ArtifactType != filter })
		answer.header.Set("OCI-Filters-Applied", "artifactType")
	}
	body, err := json.Marshal(index)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	answer.body = *bytes.NewBuffer(body)
	answer.header.Set("Content-Length", strconv.Itoa(len(body)))
	answer.release(w)
}

func (p *persistent) artifactType(repository string, h v1.Hash) string {
	r, err := p.store.get(repository, h.String())
	if err != nil {
		return ""
	}
	var m struct {
		ArtifactType string `json:"artifactType"`
	}
	if json.Unmarshal(r.Manifest, &m) != nil {
		return ""
	}
	return m.ArtifactType
}

// held is an answer that is not sent yet.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header         { return h.header }
func (h *held) WriteHeader(status int)      { h.status = status }
func (h *held) Write(b []byte) (int, error) { return h.body.Write(b) }

func (h *held) release(w http.ResponseWriter) {
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body.Bytes()) // the client may have gone
}

// refuse answers with an error as the distribution specification words it.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Del("Content-Length")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}
