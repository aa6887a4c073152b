package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pave-platform/pave/internal/sigstoretest"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// TestAMirrorOfPublishersWithoutKeys approves what the right identity signed, in
// either layout, and refuses what another did.
func TestAMirrorOfPublishersWithoutKeys(t *testing.T) {
	m := newMirrors(t)
	sigstore := sigstoretest.New(t)
	const issuer, release = "https://token.actions.githubusercontent.com", "https://github.com/example/images/.github/workflows/release.yaml@refs/heads/main"
	for repository, s := range map[string]sigstoretest.Signature{
		"lib/legacy": {Subject: release, Legacy: true}, "lib/bundle": {Subject: release},
		"lib/fork": {Subject: strings.Replace(release, "example", "fork", 1)},
	} {
		image, err := name.NewDigest(m.push(t, repository+":1", safe(t, repository)))
		if err != nil {
			t.Fatal(err)
		}
		s.Image, s.Issuer = image, issuer
		sigstore.Sign(t, s, m.upstream.Client(t).Remote(t.Context())...)
	}
	signer := ", tags: ['1'], trustedRoot: trusted_root.json, signer: {issuer: '" + issuer + "', subject: '" + release + "'}"
	m.list(t, "name: legacy, source: UP/lib/legacy"+signer, "name: fork, source: UP/lib/fork"+signer,
		"name: bundle, source: UP/lib/bundle, tags: ['1'], trustedRoot: trusted_root.json, signer: {issuer: '"+issuer+
			`', subjectPattern: 'https://github\.com/example/.+@refs/heads/main'}`)

	code, _, stderr := gateCommandLine(m.flags("plan", "--no-scan")...)
	if code != 2 || !strings.Contains(stderr, m.file("trusted_root.json")) {
		t.Errorf("without the trusted root: %d %s", code, stderr)
	}
	trusted, err := os.ReadFile(sigstore.TrustedRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, m.file("trusted_root.json"), string(trusted))

	code, stdout, stderr := gateCommandLine(m.flags("plan", "--no-scan", "--json")...)
	var plan mirror.PlanResult
	if err := json.Unmarshal([]byte(stdout), &plan); code != 0 || err != nil {
		t.Fatalf("plan: %d %v %s", code, err, stderr)
	}
	for _, i := range plan.Items {
		signature, by, refused := "verified", release, 0
		if i.Ref == "fork:1" {
			signature, by, refused = "unverified", "", 1
		}
		if i.Signature != signature || i.SignedBy != by || len(i.Refused) != refused {
			t.Errorf("%s: %s by %q, refused %+v", i.Ref, i.Signature, i.SignedBy, i.Refused)
		}
	}

	code, stdout, stderr = gateCommandLine(m.flags("approve", "--no-scan", "--all", "--by", "jane")...)
	if code != 3 || strings.Count(stdout, "approved  ") != 2 || !strings.Contains(stderr, "signed by https://github.com/fork/images/.github/workflows/release.yaml@refs/heads/main ("+issuer+")") {
		t.Fatalf("approve: %d\n%s%s", code, stdout, stderr)
	}
	lock, err := imagelist.ReadLock(m.file("images.lock.yaml"))
	if err != nil || len(lock.Approved) != 2 {
		t.Fatalf("%v, %v", lock, err)
	}
	for _, a := range lock.Approved {
		if a.Signed != imagelist.Verified {
			t.Errorf("%+v", a)
		}
	}
}
