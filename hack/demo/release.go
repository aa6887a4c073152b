package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pave-platform/pave/internal/subprocess"
)

// clone makes the team's repository: the example, with a commit.
func (p *platform) clone(ctx context.Context) error {
	root, err := subprocess.Output(subprocess.Command(ctx, "go", "list", "-m", "-f", "{{.Dir}}"))
	if err != nil {
		return err
	}
	if err := os.CopyFS(p.source(), os.DirFS(filepath.Join(root, "examples", app))); err != nil {
		return err
	}
	if _, err := p.git(ctx, "init", "--quiet", "--initial-branch=main"); err != nil {
		return err
	}
	return p.commit(ctx, "feat: say hello")
}

func (p *platform) source() string { return filepath.Join(p.dir, app) }

// change replaces text in a file of the team's repository, and commits.
func (p *platform) change(ctx context.Context, file, old, replacement, message string) error {
	path := filepath.Join(p.source(), file)
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(content), old, replacement, 1)
	if changed == string(content) {
		return fmt.Errorf("examples/%s/%s has no %q for the demo to change", app, file, old)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		return err
	}
	return p.commit(ctx, message)
}

func (p *platform) commit(ctx context.Context, message string) error {
	if _, err := p.git(ctx, "add", "--all"); err != nil {
		return err
	}
	_, err := p.git(ctx, "-c", "user.name=Demo", "-c", "user.email=demo@example.com", "commit", "--quiet", "--no-gpg-sign", "--message", message)
	return err
}

func (p *platform) git(ctx context.Context, args ...string) (string, error) {
	return subprocess.Output(subprocess.Command(ctx, "git", append([]string{"-C", p.source()}, args...)...))
}

// release builds the repository's commit, lets the gates judge it, publishes, signs
// and attests it.
func (p *platform) release(ctx context.Context) (r release, err error) {
	if r.commit, err = p.git(ctx, "rev-parse", "HEAD"); err != nil {
		return r, err
	}
	for _, command := range [][]string{
		{"image", "build", "--source", app, "--revision", r.commit, "--output", "image.tar"},
		{"gate", "image", "--tarball", "image.tar", "--name", p.image, "--database", "trivy-db", "--output", "gates"},
	} {
		if err := p.pave(ctx, command...); err != nil {
			return r, err
		}
	}
	var published struct{ Ref, Digest string }
	if err := p.ask(ctx, &published, "image", "publish", "--tarball", "image.tar", "--ref", p.image+":"+r.commit); err != nil {
		return r, err
	}
	r.ref, r.digest = published.Ref, published.Digest
	for _, command := range [][]string{
		{"sign", "image", "--ref", r.ref, "--key-file", "key/cosign.key"},
		{"sign", "provenance", "--repository", "https://git.example.com/demo/" + app + ".git", "--commit", r.commit, "--output", "provenance.json"},
		{"sign", "attest", "--ref", r.ref, "--key-file", "key/cosign.key", "--predicate", "spdx=gates/sbom.spdx.json",
			"--predicate", "vuln=gates/scan.json", "--predicate", "slsaprovenance1=provenance.json"},
	} {
		if err := p.pave(ctx, command...); err != nil {
			return r, err
		}
	}
	return r, nil
}

// deploy takes a release to staging.
func (p *platform) deploy(ctx context.Context, r release) error {
	if err := p.values(ctx, r, "staging"); err != nil {
		return err
	}
	command := append([]string{"deploy", "app", "--environment", "staging", "--values", "staging.yaml", "--image", r.ref, "--revision", r.commit,
		"--chart-repository", p.charts(), "--chart-version", p.chart}, p.where()...)
	return p.pave(ctx, append(command, p.waiting(patience)...)...)
}

// values renders the contract for an environment.
func (p *platform) values(ctx context.Context, r release, environment string) error {
	return p.pave(ctx, "chart", "values", "--file", app+"/platform.yaml", "--environment", environment, "--image", r.ref, "--output", environment+".yaml")
}

// promotionOf are the arguments that promote a release from staging to production.
func (p *platform) promotionOf(r release, patience string) []string {
	command := append([]string{"promote", "run", "--values", "production.yaml", "--digest", r.digest, "--public-key", "key/cosign.pub",
		"--require", "spdx,vuln,slsaprovenance1", "--soak", soakTime.String()}, p.where()...)
	return append(command, p.waiting(patience)...)
}

// where are the flags that name the application.
func (p *platform) where() []string {
	return []string{"--repository", p.gitops.URL, "--project", project, "--app", app}
}

// waiting are the flags with which a release is followed.
func (p *platform) waiting(patience string) []string {
	return []string{"--wait", "--timeout", patience, "--kubeconfig-file", p.lab.Kubeconfig}
}

func (p *platform) charts() string { return p.lab.Registry + "/platform/charts" }
