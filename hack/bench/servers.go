package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/pave-platform/pave/internal/fault"
)

// servers are a registry and a Git server, in processes of their own, on an
// address that the engine's containers reach too, over TLS.
type servers struct {
	ca       string // files
	password string
	token    string
	registry string // host:port
	gitops   string // URL of the repository
	running  []*exec.Cmd
}

func (l *lab) servers(ctx context.Context) (*servers, error) {
	return l.services.get(func() (*servers, error) {
		s := &servers{ca: l.path("tls", "ca.crt"), password: l.path("registry-password"), token: l.path("gitops-token")}
		if err := s.start(ctx, l); err != nil {
			s.stop()
			return nil, err
		}
		return s, nil
	})
}

func (s *servers) start(ctx context.Context, l *lab) error {
	pave, err := l.paveBinary(ctx)
	if err != nil {
		return err
	}
	address, err := hostAddress()
	if err != nil {
		return err
	}
	l.say("starting a registry and a Git server at %s", address)
	for _, file := range []string{s.password, s.token} {
		if err := os.WriteFile(file, []byte(rand.Text()), 0o600); err != nil {
			return err
		}
	}
	if _, err := l.exec(ctx, l.dir, pave, "dev", "ca", "--output="+l.path("tls"), "--host="+address); err != nil {
		return err
	}
	serve := func(kind string, flags ...string) (string, error) {
		return s.serve(ctx, l, append([]string{
			pave, "dev", kind, "--json", "--addr=" + net.JoinHostPort(address, "0"), "--dir=" + l.path(kind),
			"--tls-cert=" + l.path("tls", "tls.crt"), "--tls-key=" + l.path("tls", "tls.key"),
		}, flags...))
	}
	registry, err := serve("registry", "--username=bench", "--password-file="+s.password)
	if err != nil {
		return err
	}
	git, err := serve("git", "--username=bench", "--token-file="+s.token, "--create=platform/gitops")
	if err != nil {
		return err
	}
	s.registry = strings.TrimPrefix(registry, "https://")
	s.gitops = git + "/platform/gitops.git"
	return nil
}

// serve starts a server and waits until it says its URL.
func (s *servers) serve(ctx context.Context, l *lab, argv []string) (string, error) {
	cmd := command(ctx, l.dir, argv...)
	log, err := os.CreateTemp(l.dir, "server-*.log")
	if err != nil {
		return "", err
	}
	defer log.Close()
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	s.running = append(s.running, cmd)
	var ready struct{ URL string }
	if err := json.NewDecoder(stdout).Decode(&ready); err != nil {
		said, _ := os.ReadFile(log.Name())
		return "", fmt.Errorf("%s did not start: %w\n%s", l.typed(l.dir, argv...), err, tail(string(said)))
	}
	return ready.URL, nil
}

func (s *servers) stop() {
	for _, cmd := range s.running {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
}

// hostAddress is an IPv4 address of this host that is not loopback's: what
// containers see of it.
func hostAddress() (string, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String(), nil
		}
	}
	return "", fault.Failedf("this host has no IPv4 address that containers could reach").Fix("connect it to a network")
}
