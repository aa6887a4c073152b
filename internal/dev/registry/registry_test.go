package registry_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pave-platform/pave/internal/dev/registry"
)

func TestARestartKeepsImagesIndexesAndReferrers(t *testing.T) {
	dir := t.TempDir()
	first := start(t, registry.Options{Dir: dir})
	img, old := randomImage(t), randomImage(t)
	idx := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img})})
	must(t, remote.Write(tag(t, first, "app:1"), old))
	must(t, remote.Write(tag(t, first, "app:1"), img)) // the tag moves
	must(t, remote.WriteIndex(tag(t, first, "app:all"), idx))
	must(t, remote.Write(tag(t, first, "app:gone"), img))
	must(t, remote.Delete(tag(t, first, "app:gone")))
	must(t, remote.Put(tag(t, first, "app:1").Context().Digest(digestOf(t, referrer(t, img)).String()), referrer(t, img)))

	second := start(t, registry.Options{Dir: dir})
	got, err := remote.Image(tag(t, second, "app:1"))
	must(t, err)
	must(t, validate.Image(got))
	if digestOf(t, got) != digestOf(t, img) {
		t.Errorf("the tag is at %s, want %s", digestOf(t, got), digestOf(t, img))
	}
	if _, err := remote.Head(tag(t, second, "app:1").Context().Digest(digestOf(t, old).String())); err != nil {
		t.Errorf("the image that the tag left: %v", err)
	}
	if _, err := remote.Index(tag(t, second, "app:all")); err != nil {
		t.Error(err)
	}
	if _, err := remote.Head(tag(t, second, "app:gone")); err == nil {
		t.Error("the deleted tag is back")
	}
	if got := referrers(t, second, "app", img, ""); len(got) != 1 {
		t.Errorf("%d referrers, want 1", len(got))
	}
}

func TestReferrersHaveTheirOwnArtifactType(t *testing.T) {
	host := start(t, registry.Options{Dir: t.TempDir()})
	img := randomImage(t)
	if got := referrers(t, host, "nothing/yet", img, ""); len(got) != 0 {
		t.Errorf("an empty repository has %d referrers", len(got))
	}
	must(t, remote.Write(tag(t, host, "app:1"), img))
	ref := referrer(t, img)
	must(t, remote.Put(tag(t, host, "app:1").Context().Digest(digestOf(t, ref).String()), ref))
	for filter, want := range map[string]int{"": 1, artifactType: 1, "application/other": 0} {
		got := referrers(t, host, "app", img, filter)
		if len(got) != want || want == 1 && got[0].ArtifactType != artifactType {
			t.Errorf("filter %q: got %+v, want %d", filter, got, want)
		}
	}
}

func TestWithoutReferrersClientsUseTheFallbackTag(t *testing.T) {
	host := start(t, registry.Options{Dir: t.TempDir(), NoReferrers: true})
	img := randomImage(t)
	must(t, remote.Write(tag(t, host, "app:1"), img))
	ref := referrer(t, img)
	must(t, remote.Put(tag(t, host, "app:1").Context().Digest(digestOf(t, ref).String()), ref))
	fallback := strings.Replace(digestOf(t, img).String(), ":", "-", 1)
	if _, err := remote.Index(tag(t, host, "app:"+fallback)); err != nil {
		t.Error(err)
	}
	if got := referrers(t, host, "app", img, ""); len(got) != 1 {
		t.Errorf("%d referrers, want 1", len(got))
	}
}

func TestAManifestThatDoesNotArriveWholeIsNotKept(t *testing.T) {
	host := start(t, registry.Options{Dir: t.TempDir()})
	conn, err := net.Dial("tcp", host)
	must(t, err)
	fmt.Fprintf(conn, "PUT /v2/app/manifests/1 HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\n{\"schemaVersion\":2}", host)
	must(t, conn.(*net.TCPConn).CloseWrite())
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	resp.Body.Close()
	must(t, conn.Close())
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("got %s", resp.Status)
	}
	if _, err := remote.Head(tag(t, host, "app:1")); err == nil {
		t.Error("it is kept")
	}
}

func TestAManifestUnderAnotherDigestIsRefused(t *testing.T) {
	host := start(t, registry.Options{Dir: t.TempDir()})
	wrong := tag(t, host, "app:1").Context().Digest("sha256:" + strings.Repeat("0", 64))
	if err := remote.Put(wrong, randomImage(t)); err == nil || !strings.Contains(err.Error(), "DIGEST_INVALID") {
		t.Errorf("got %v", err)
	}
}

const artifactType = "application/vnd.example.report"

// artifact is a manifest with an artifact type of its own, as Sigstore bundles
// are stored.
type artifact struct{ raw []byte }

func (a artifact) RawManifest() ([]byte, error)        { return a.raw, nil }
func (a artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func referrer(t *testing.T, subject v1.Image) artifact {
	t.Helper()
	size, err := subject.Size()
	must(t, err)
	return artifact{fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"artifactType":%q,"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[],"subject":{"mediaType":%q,"digest":%q,"size":%d}}`,
		types.OCIManifestSchema1, artifactType, types.DockerManifestSchema2, digestOf(t, subject), size)}
}

func referrers(t *testing.T, host, repository string, img v1.Image, filter string) []v1.Descriptor {
	t.Helper()
	var options []remote.Option
	if filter != "" {
		options = append(options, remote.WithFilter("artifactType", filter))
	}
	idx, err := remote.Referrers(tag(t, host, repository+":x").Context().Digest(digestOf(t, img).String()), options...)
	must(t, err)
	m, err := idx.IndexManifest()
	must(t, err)
	return m.Manifests
}

func start(t *testing.T, o registry.Options) (host string) {
	t.Helper()
	handler, err := registry.New(o)
	must(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func tag(t *testing.T, host, rest string) name.Tag {
	t.Helper()
	ref, err := name.NewTag(host + "/" + rest)
	must(t, err)
	return ref
}

type manifest interface{ RawManifest() ([]byte, error) }

func digestOf(t *testing.T, m manifest) v1.Hash {
	t.Helper()
	raw, err := m.RawManifest()
	must(t, err)
	h, _, err := v1.SHA256(strings.NewReader(string(raw)))
	must(t, err)
	return h
}

func randomImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(1024, 2)
	must(t, err)
	return img
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
