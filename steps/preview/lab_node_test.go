package preview_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/lab"
	"github.com/pave-platform/pave/steps/preview"
)

// publish publishes an image under what Bitbucket Cloud calls a commit, as the
// pipeline of a pull request does.
func (s *stage) publish(t *testing.T, commit, text string) {
	t.Helper()
	image, err := lab.WebImage(s.ctx, lab.Web{Text: text})
	must(t, err)
	_, err = s.Push(s.ctx, "shop/web:"+commit[:12], image)
	must(t, err)
}

// awaitAnswer waits until the preview's Service answers text.
func (s *stage) awaitAnswer(t *testing.T, service, text string) {
	t.Helper()
	for {
		status, body, err := s.HTTP(s.ctx, "shop-previews", service, "http", "/")
		if err == nil && status == http.StatusOK && string(body) == text {
			return
		}
		select {
		case <-s.ctx.Done():
			t.Fatal(errors.Join(fmt.Errorf("it answers %d %q, not %q", status, body, text), err, s.ctx.Err()))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func TestAPreviewOnARealNodeAnswersWithItsCommit(t *testing.T) {
	s := onStage(t, forgetest.Options{}, lab.Kubelet, lab.CertManager)
	kind := forge.BitbucketCloud
	s.enableAs(t, kind, strings.Replace(`apiVersion: pave/v1
kind: Application
metadata: {name: web, team: checkout, project: shop}
spec:
  image: {repository: REGISTRY/shop/web}
  ingress: {host: web.apps.example.internal}
  secrets: [{name: shop-env}]
  storage: [{name: data, mountPath: /data, size: 1Gi}]
  probes: {readiness: {path: /readyz}}
`, "REGISTRY", s.Registry, 1), "")
	branch := "preview/" + app(kind) + "/x"
	s.publish(t, s.double.Push(branch), "one")
	number := s.double.Open(branch, "x")
	name := gitops.PreviewName(app(kind), fmt.Sprint(number))
	s.stateIs(t, kind, number, preview.Ready)
	s.awaitAnswer(t, name, "one")
	s.publish(t, s.double.Push(branch), "two")
	s.awaitAnswer(t, name, "two")
	s.stateIs(t, kind, number, preview.Ready)
	s.double.Merge(number)
	s.awaitGone(t, s.objects(deployments), name)
}
