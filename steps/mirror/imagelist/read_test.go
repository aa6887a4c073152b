package imagelist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
)

const head = "apiVersion: pave/v1\nkind: ImageList\n"

var digest = "sha256:" + strings.Repeat("a", 64)

var good = map[string]string{
	"the smallest": head + "images:\n  - {name: alpine, source: docker.io/library/alpine, tags: ['3.22']}\n",
	"everything": head + `defaults:
  target: harbor.example.internal/library
  platforms: [linux/amd64, linux/arm/v7]
  limits: {critical: 0, high: 10, medium: 50, low: 100, unknown: 5}
  publicKey: keys/all.pub
  trustedRoot: sigstore/trusted_root.json
images:
  - name: golang
    source: docker.io/library/golang
    versions: ">=1.22.0 <1.24.0"
    variant: alpine
    newest: 2
    platforms: [linux/amd64]
    limits: {critical: 3}
    publicKey: none
    note: to build with
  - {name: tool, source: "localhost:5000/x/tool", digest: "` + digest + `", as: 1.4.0, kind: artefact}
  - {name: charts/web, source: ghcr.io/example/charts/web, tags: [1.0.0], kind: chart}
  - name: keyless
    source: ghcr.io/example/keyless
    tags: [1.0.0]
    signer: {issuer: "https://token.actions.githubusercontent.com", subject: "https://github.com/example/keyless/.github/workflows/release.yaml@refs/heads/main"}
  - name: private
    source: ghcr.io/example/private
    tags: [1.0.0]
    trustedRoot: private.json
    signer: {issuer: "https://oidc.example.internal/realms/ci", subjectPattern: '.+@example\.internal'}
`,
	"one name in two entries": head + "images:\n  - {name: pg, source: ghcr.io/c/pg, tags: ['17']}\n  - {name: pg, source: ghcr.io/c/pg, tags: ['16']}\n",
}

var bad = map[string]struct {
	file    string
	want    string
	between bool // what the schema cannot say
}{
	"nothing":                      {file: "", want: "images.yaml:1:1: the file is empty: it needs at least apiVersion, kind and images"},
	"two documents":                {file: good["the smallest"] + "---\nx: y\n", want: "a second document starts here: write one list per file"},
	"a tab":                        {file: head + "images:\n\t- x", want: "images.yaml:4:1: this is not YAML"},
	"an unknown field":             {file: head + "images:\n  - {name: a, sorce: docker.io/library/a, tags: [x]}\n", want: "images.yaml:4:15: images[0].sorce: unknown field, did you mean source?"},
	"another file of pave":         {file: "apiVersion: pave/v1\nkind: Application\nimages: []\n", want: `kind: "Application" is not known (allowed: ImageList)`},
	"no images":                    {file: head + "images: []\n", want: "images: is an empty list"},
	"a source with a tag":          {file: head + "images:\n  - {name: a, source: 'docker.io/library/a:1', tags: [x]}\n", want: `names a tag or a digest: write the repository here`},
	"a source without a registry":  {file: head + "images:\n  - {name: a, source: library/a, tags: [x]}\n", want: `"library/a" is not registry/repository`},
	"a source with https":          {file: head + "images:\n  - {name: a, source: 'https://docker.io/library/a', tags: [x]}\n", want: `without https://`},
	"a target without a project":   {file: head + "defaults: {target: harbor.example.internal}\nimages:\n  - {name: a, source: docker.io/a/a, tags: [x]}\n", want: "defaults.target"},
	"a name in upper case":         {file: head + "images:\n  - {name: Alpine, source: docker.io/library/alpine, tags: [x]}\n", want: `images.yaml:4:12: images[0].name: "Alpine" is not a repository's name`},
	"a tag that is a number":       {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [3.20]}\n", want: `is the number 3.20: it must be text, write "3.20"`},
	"a tag of a signature":         {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [sha256-" + strings.Repeat("a", 64) + ".sig]}\n", want: "is carried along"},
	"a short digest":               {file: head + "images:\n  - {name: a, source: docker.io/library/a, digest: 'sha256:abc', as: x}\n", want: `"sha256:abc" is not a digest`},
	"no range":                     {file: head + "images:\n  - {name: a, source: docker.io/library/a, versions: new}\n", want: `"new" is not a range of versions`},
	"a platform without a system":  {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], platforms: [amd64]}\n", want: `"amd64" is not a platform`},
	"a limit below zero":           {file: head + "defaults: {limits: {critical: -1}}\nimages:\n  - {name: a, source: docker.io/library/a, tags: [x]}\n", want: "defaults.limits.critical: -1 is below 0"},
	"an unknown severity":          {file: head + "defaults: {limits: {negligible: 1}}\nimages:\n  - {name: a, source: docker.io/library/a, tags: [x]}\n", want: "unknown field"},
	"a key elsewhere":              {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], publicKey: ../../etc/key}\n", want: "is not a file beside this one"},
	"newest of none":               {file: head + "images:\n  - {name: a, source: docker.io/library/a, versions: '~1', newest: 0}\n", want: "0 is below 1"},
	"a signer and a key":           {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r, publicKey: k, signer: {issuer: 'https://i.example.com', subject: a}}\n", want: "images[0].signer: stands beside publicKey: give one of the two"},
	"a signer and none as key":     {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r, publicKey: none, signer: {issuer: 'https://i.example.com', subject: a}}\n", want: "stands beside publicKey"},
	"a signer without a root":      {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], signer: {issuer: 'https://i.example.com', subject: a}}\n", want: "images.yaml:4:63: images[0].signer: cannot be verified without Sigstore's trusted_root.json", between: true},
	"a root without a signer":      {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r}\n", want: "images[0].trustedRoot: belongs to signer, which is not there"},
	"a root elsewhere":             {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: /etc/r, signer: {issuer: 'https://i.example.com', subject: a}}\n", want: `images[0].trustedRoot: "/etc/r" is not a file beside this one`},
	"a signer without an issuer":   {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r, signer: {subject: a}}\n", want: "images[0].signer.issuer: "},
	"an issuer that is no address": {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r, signer: {issuer: github, subject: a}}\n", want: `images[0].signer.issuer: "github" is not an issuer: write its address`},
	"a signer without a subject":   {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r, signer: {issuer: 'https://i.example.com'}}\n", want: "images[0].signer: does not say who signs: give subject or subjectPattern"},
	"a subject and a pattern":      {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r, signer: {issuer: 'https://i.example.com', subject: a, subjectPattern: b}}\n", want: "images[0].signer.subjectPattern: stands beside subject"},
	"a subject with a space":       {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r, signer: {issuer: 'https://i.example.com', subject: a b}}\n", want: `images[0].signer.subject: "a b" is not an identity`},
	"a pattern that is none":       {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r, signer: {issuer: 'https://i.example.com', subjectPattern: 'a)|(b'}}\n", want: `images[0].signer.subjectPattern: "a)|(b" is not a regular expression`, between: true},
	"a pattern that is not closed": {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], trustedRoot: r, signer: {issuer: 'https://i.example.com', subjectPattern: '\\Qa'}}\n", want: `is not a regular expression`, between: true},
	"nothing to mirror":            {file: head + "images:\n  - {name: a, source: docker.io/library/a}\n", want: "images.yaml:4:5: images[0]: a does not say what to mirror: give tags, versions or digest"},
	"tags and a digest":            {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], digest: '" + digest + "', as: x}\n", want: "stands beside tags: give one of"},
	"a variant of tags":            {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], variant: alpine}\n", want: "images[0].variant: belongs to versions, which is not there"},
	"a digest without a tag":       {file: head + "images:\n  - {name: a, source: docker.io/library/a, digest: '" + digest + "'}\n", want: "has no tag at the target: give it one with as"},
	"a tag twice":                  {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x]}\n  - {name: a, source: docker.io/library/b, tags: [y, x]}\n", want: "images.yaml:5:54: images[1].tags[1]: a:x is mirrored by images[0].tags[0] already", between: true},
	"a platform twice":             {file: head + "images:\n  - {name: a, source: docker.io/library/a, tags: [x], platforms: [linux/amd64, linux/amd64]}\n", want: "linux/amd64 is given twice", between: true},
}

func TestAGoodListIsRead(t *testing.T) {
	for name, file := range good {
		if _, err := Parse("images.yaml", []byte(file)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABadListIsAnsweredWithItsPlace(t *testing.T) {
	for name, c := range bad {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("images.yaml", []byte(c.file))
			if err == nil || fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	_, err := Parse("images.yaml", []byte(head+"images:\n  - {name: A, source: a, tags: [x]}\n  - {name: b, source: docker.io/b/b}\n"))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three problems, got: %v", err)
	}
}

func TestTheExampleIsTheTableOfTheDocument(t *testing.T) {
	l, err := Read(filepath.FromSlash("../../../examples/mirror/images.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range l.Images {
		for _, tag := range e.Tags {
			got[string(e.Name)+":"+string(tag)] = string(e.Source)
		}
	}
	for ref, source := range map[string]string{
		"alpine:3.22":              "docker.io/library/alpine",
		"golang:1.22-alpine":       "docker.io/library/golang",
		"nginx-chainguard:latest":  "cgr.dev/chainguard/nginx",
		"python-chainguard:latest": "cgr.dev/chainguard/python",
		"apache-httpd:2.4":         "docker.io/library/httpd",
		"postgresql:17":            "ghcr.io/cloudnative-pg/postgresql",
		"postgresql:16":            "ghcr.io/cloudnative-pg/postgresql",
		"postgresql:15":            "ghcr.io/cloudnative-pg/postgresql",
	} {
		if got[ref] != source {
			t.Errorf("%s: got %q, want %q", ref, got[ref], source)
		}
	}
	if len(l.Images) != 8 {
		t.Errorf("%d entries, want 8", len(l.Images))
	}
}

func TestAMissingListSaysHowToWriteOne(t *testing.T) {
	_, err := Read(filepath.Join(t.TempDir(), "images.yaml"))
	if fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "pave mirror schema") {
		t.Error(err)
	}
}

func TestAKeyIsBesideTheList(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "images.yaml")
	if err := os.WriteFile(path, []byte(good["everything"]), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.KeyPath(l.Images[1]), filepath.Join(dir, "keys", "all.pub"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := l.KeyPath(l.Images[0]); got != "" {
		t.Errorf("an entry with none has %s", got)
	}
	if got := l.KeyPath(l.Images[3]); got != "" {
		t.Errorf("an entry with a signer has the key %s", got)
	}
	for i, want := range map[int]string{3: filepath.Join(dir, "sigstore", "trusted_root.json"), 4: filepath.Join(dir, "private.json")} {
		if got := l.RootPath(l.Images[i]); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
