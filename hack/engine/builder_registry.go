package main

import (
	"net/http"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// builderRegistry serves the pull half of the OCI distribution protocol for one
// image: the builder, under its official name, from the blobs of an image
// layout. The engine asks it as a mirror of docker.io; what is not found here,
// the engine asks the original for.
func builderRegistry(blobs string, builder v1.Hash) http.Handler {
	name, tag, _ := strings.Cut(BuilderImage, ":")
	serve := func(w http.ResponseWriter, r *http.Request, mediaType, digest string) {
		hash, err := v1.NewHash(digest)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Docker-Content-Digest", hash.String())
		http.ServeFile(w, r, filepath.Join(blobs, hash.Algorithm, hash.Hex))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v2/"+name+"/blobs/{digest}", func(w http.ResponseWriter, r *http.Request) {
		serve(w, r, "application/octet-stream", r.PathValue("digest"))
	})
	mux.HandleFunc("GET /v2/"+name+"/manifests/{reference}", func(w http.ResponseWriter, r *http.Request) {
		if ref := r.PathValue("reference"); ref != tag && ref != builder.String() {
			http.NotFound(w, r)
			return
		}
		serve(w, r, string(types.OCIManifestSchema1), builder.String())
	})
	return mux
}
