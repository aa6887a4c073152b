package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"filippo.io/age"
)

// lab is a platform in small: this repository, its binary, a registry and a Git server, on an
// address that containers of the engine reach as well.
type lab struct {
	repository string // a copy of this repository, committed
	bin        string // folder with pave
	ca         string // file
	key        string // file: the private key that signs
	database   string // folder: a small vulnerability database
	registry   server
	git        server
	recipient  string   // age's, of the bootstrap's secrets
	canaries   canaries // every secret there is
}

// server is a running pave dev …
type server struct {
	host    string // address:port
	dir     string // what it keeps
	process *exec.Cmd
}

// gitops are the repositories on the Git server.
var gitops = []string{"platform/gitops", "canary/gitops", "interrupt/gitops", "cluster/gitops"}

func newLab(ctx context.Context, dir string) (*lab, error) {
	l := &lab{
		repository: filepath.Join(dir, "repository"), bin: filepath.Join(dir, "bin"),
		ca: filepath.Join(dir, "tls", "ca.crt"), key: filepath.Join(dir, "key", "cosign.key"), database: filepath.Join(dir, "trivy-db"),
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	l.recipient = identity.Recipient().String()
	secrets := map[string]string{"PAVE_AGE_IDENTITY": identity.String()}
	for _, name := range []string{"HARBOR_TOKEN", "GITOPS_TOKEN", "COSIGN_PASSWORD", "VSPHERE_PASSWORD"} {
		secrets[name] = "Canary" + rand.Text()
	}
	for name, value := range secrets {
		l.canaries.watch(name, []byte(value))
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	if err := os.Setenv("VSPHERE_USER", "pave@vsphere.local"); err != nil {
		return nil, err
	}
	if err := os.Setenv("PATH", l.bin+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		return nil, err
	}
	if err := copyRepository(ctx, l.repository); err != nil {
		return nil, err
	}
	if err := l.install(ctx); err != nil {
		return nil, err
	}
	return l, l.start(ctx, dir)
}

// install compiles the binary as the README says; `go install` there finds it up to date.
func (l *lab) install(ctx context.Context) error {
	for name, value := range map[string]string{
		"GOBIN": l.bin, "CGO_ENABLED": "0", "GOEXPERIMENT": "jsonv2", "GOFLAGS": "-trimpath -buildvcs=false",
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	if out, err := exec.CommandContext(ctx, "go", "install", "-C", l.repository, "./cmd/pave").CombinedOutput(); err != nil {
		return fmt.Errorf("go install: %w\n%s", err, out)
	}
	return nil
}

func (l *lab) start(ctx context.Context, dir string) error {
	address, err := hostAddress(ctx)
	if err != nil {
		return err
	}
	tls := filepath.Join(dir, "tls")
	for _, args := range [][]string{
		{"dev", "ca", "--output", tls, "--host", address},
		{"dev", "vulndb", "--output", l.database},
		{"sign", "keygen", "--output-dir", filepath.Dir(l.key), "--password-env", "COSIGN_PASSWORD"},
	} {
		if out, err := exec.CommandContext(ctx, l.pave(), args...).CombinedOutput(); err != nil {
			return fmt.Errorf("pave %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	if err := l.canaries.watchKey(l.key, os.Getenv("COSIGN_PASSWORD")); err != nil {
		return err
	}
	common := []string{
		"--json", "--addr", net.JoinHostPort(address, "0"),
		"--tls-cert", filepath.Join(tls, "tls.crt"), "--tls-key", filepath.Join(tls, "tls.key"),
	}
	l.registry.dir, l.git.dir = filepath.Join(dir, "registry"), filepath.Join(dir, "git")
	return errors.Join(
		l.registry.start(l.pave(), append(common, "registry", "--username", "robot", "--password-env", "HARBOR_TOKEN")),
		l.git.start(l.pave(), append(common, "git", "--username", "bot", "--token-env", "GITOPS_TOKEN", "--create", strings.Join(gitops, ","))),
	)
}

// start starts the server and waits until it says where it listens. It ends with the
// tests, however those end.
func (s *server) start(pave string, args []string) error {
	s.process = exec.Command(pave, append([]string{"dev", "--dir", s.dir}, args...)...)
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	s.process.Stderr = os.Stderr
	out, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := start(s.process); err != nil {
		return err
	}
	var ready struct{ URL string }
	if err := json.NewDecoder(out).Decode(&ready); err != nil {
		return fmt.Errorf("%s did not start: %w", s.process, err)
	}
	s.host = strings.TrimPrefix(ready.URL, "https://")
	return nil
}

func (l *lab) close() {
	for _, s := range []server{l.registry, l.git} {
		_ = s.process.Process.Signal(syscall.SIGTERM)
		_ = s.process.Wait()
	}
}

func (l *lab) pave() string { return filepath.Join(l.bin, "pave") }

// goldenPath are the arguments of dagger for an application in the working directory that goes
// the whole way, through a GitOps repository.
func (l *lab) goldenPath(gitops string) []string {
	return []string{
		"call", "-m", l.repository, "golden-path", "--source=.", "--ca=" + l.ca, "--database=" + l.database,
		"--registry=" + l.registry.host, "--registry-user=robot", "--registry-password=env://HARBOR_TOKEN",
		"--signing-key=file://" + l.key, "--signing-key-password=env://COSIGN_PASSWORD",
		"--gitops=https://" + l.git.host + "/" + gitops + ".git", "--gitops-user=bot", "--gitops-token=env://GITOPS_TOKEN",
	}
}

// bare is the folder of a repository on the Git server.
func (l *lab) bare(repository string) string { return filepath.Join(l.git.dir, repository+".git") }

// hostAddress is this host's address on the network of its default route.
func hostAddress(ctx context.Context) (string, error) {
	// Nothing is sent: connecting a UDP socket only chooses a route. 192.0.2.0/24 is nobody's (RFC 5737).
	conn, err := new(net.Dialer).DialContext(ctx, "udp4", "192.0.2.1:9")
	if err != nil {
		return "", fmt.Errorf("no network that containers could reach this host by: %w", err)
	}
	defer conn.Close()
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	return host, err
}
