package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/lab/node"
)

// Web says what the small web application of WebImage does.
type Web = node.Web

// WebImage is an image of a web application that the lab's node can run, with
// the base chart's security settings: it listens at port 8080, answers Text at
// /, and has probes at /healthz and /readyz. Its digest changes with w.
func WebImage(ctx context.Context, w Web) (v1.Image, error) { return node.WebImage(ctx, w) }

// Push pushes image to the lab's registry as repository:tag, and gives the
// reference HOST/REPOSITORY@DIGEST.
func (l *Lab) Push(ctx context.Context, tag string, image v1.Image) (string, error) {
	if l.Registry == "" {
		return "", fault.Inputf("the lab has no registry").Fix("start it with lab.Registry")
	}
	ref, err := name.NewTag(l.Registry + "/" + tag)
	if err != nil {
		return "", err
	}
	options := []remote.Option{remote.WithContext(ctx)}
	if !l.options.Address.IsLoopback() {
		client, err := l.client()
		if err != nil {
			return "", err
		}
		options = append(options, remote.WithTransport(client))
	}
	if err := remote.Write(ref, image, options...); err != nil {
		return "", err
	}
	digest, err := image.Digest()
	return ref.Context().Digest(digest.String()).String(), err
}

// client trusts the lab's servers.
func (l *Lab) client() (http.RoundTripper, error) {
	pem, err := os.ReadFile(l.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}, nil
}
