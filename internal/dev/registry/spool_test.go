package registry_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/dev/registry"
)

// TestAStalledUploadHoldsUpNobody lets one client stop in the middle of a layer while
// another uploads.
func TestAStalledUploadHoldsUpNobody(t *testing.T) {
	handler, err := registry.New(registry.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	body, more := io.Pipe()
	stalled := make(chan struct{})
	go func() {
		defer close(stalled)
		if response, err := send(t, http.MethodPatch, begin(t, server), body); err == nil {
			response.Body.Close()
		}
	}()
	if _, err := more.Write([]byte("the first half")); err != nil { // it is being read: the upload is under way
		t.Fatal(err)
	}
	response, err := send(t, http.MethodPatch, begin(t, server), strings.NewReader("a whole layer"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent && response.StatusCode != http.StatusAccepted {
		t.Errorf("the other upload got %s", response.Status)
	}
	more.CloseWithError(io.ErrUnexpectedEOF)
	<-stalled
}

// begin opens an upload and gives its address.
func begin(t *testing.T, server *httptest.Server) string {
	t.Helper()
	response, err := send(t, http.MethodPost, server.URL+"/v2/demo/app/blobs/uploads/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return server.URL + response.Header.Get("Location")
}

func send(t *testing.T, method, url string, body io.Reader) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return http.DefaultClient.Do(request)
}
