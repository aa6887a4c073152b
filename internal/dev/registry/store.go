package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
)

// record is one accepted PUT of a manifest, by tag or by digest.
type record struct {
	Repository string `json:"repository"`
	Reference  string `json:"reference"`
	MediaType  string `json:"mediaType"`
	Manifest   []byte `json:"manifest"` // base64 in the file
}

// store keeps records as files: manifests/<repository>/<reference>, escaped.
type store struct{ dir string }

func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fault.Inputf("registry folder: %w", err)
	}
	return &store{dir}, nil
}

func (s *store) path(repository, reference string) string {
	return filepath.Join(s.dir, url.QueryEscape(repository), url.QueryEscape(reference))
}

// put keeps r; a reader sees the old or the new record, never a part.
func (s *store) put(r record) error {
	path := s.path(r.Repository, r.Reference)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, "put-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (s *store) get(repository, reference string) (record, error) {
	return readRecord(s.path(repository, reference))
}

func readRecord(path string) (r record, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, fault.Failedf("registry folder: %s: %w", path, err).Fix("remove the file and push the image again")
	}
	return r, nil
}

func (s *store) delete(repository, reference string) error {
	err := os.Remove(s.path(repository, reference))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// replay puts every kept manifest into an empty registry: images before the
// indexes that list them.
func (s *store) replay(to http.Handler) error {
	records, err := s.all()
	if err != nil {
		return err
	}
	// An index may list indexes: as long as a round gets any in, there may
	// be one more that now can.
	for len(records) > 0 {
		left := slices.DeleteFunc(slices.Clone(records), func(r record) bool { return r.isTakenBy(to) })
		if len(left) == len(records) {
			return fault.Failedf("registry folder %s: manifest %s of %s lists manifests that are not there", s.dir, left[0].Reference, left[0].Repository).
				Fix("push the image again into an empty folder")
		}
		records = left
	}
	return nil
}

func (s *store) all() ([]record, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "*", "*"))
	if err != nil {
		return nil, err
	}
	var images, indexes []record
	for _, path := range files {
		r, err := readRecord(path)
		if err != nil {
			return nil, err
		}
		if types.MediaType(r.MediaType).IsIndex() {
			indexes = append(indexes, r)
		} else {
			images = append(images, r)
		}
	}
	return append(images, indexes...), nil
}

// isTakenBy puts r into a registry.
func (r record) isTakenBy(to http.Handler) bool {
	path := fmt.Sprintf("/v2/%s/manifests/%s", r.Repository, r.Reference)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, path, bytes.NewReader(r.Manifest))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", r.MediaType)
	answer := &held{header: http.Header{}}
	to.ServeHTTP(answer, request)
	return answer.status == http.StatusCreated
}
