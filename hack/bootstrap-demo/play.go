//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const artefactName = "vm_creation.outputs.json"

// play shows the bootstrap from the first machine to the last.
func (s *stage) play(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end() // and the servers with it
	s.say("A vCenter (govmomi's simulator), hosts, and the network of the cluster with a real API server")
	if err := s.set(ctx); err != nil {
		return err
	}
	for _, act := range []struct {
		title string
		do    func(context.Context) error
	}{
		{"Phase 1, on the runner in vCenter's network: five machines", s.machines},
		{"The artefact crosses to the other runner, which cannot reach vCenter", s.cross},
		{"Phase 2, on the runner in the cluster's network: Kubernetes", s.form},
		{"Everything a second time: nothing changes", s.again},
		{"A snapshot of etcd", s.snapshot},
		{"A sixth machine, by the same commands", s.grow},
		{"The machines are lost, and made again with the same secrets", s.lose},
		{"etcd comes back from the snapshot", s.recover},
		{"The end: the machines go", s.destroy},
	} {
		s.say(act.title)
		if err := act.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) say(title string) { fmt.Fprintf(s.out, "\n== %s\n", title) }

// vms are the arguments of a command of phase 1.
func (s *stage) vms(verb string, more ...string) []string {
	return append([]string{
		"bootstrap", "vms", verb, "--file", s.path("phase1/cluster.yaml"), "--artefact", s.path("phase1/" + artefactName), "--ca-file", s.vcenter.CA,
		"--vsphere-username-file", s.path("vcenter-user"), "--vsphere-password-file", s.path("vcenter-password"), "--identity-file", s.path("age.key"),
	}, more...)
}

// later are the arguments of a command of the later phases.
func (s *stage) later(verb string, more ...string) []string {
	return append([]string{"bootstrap", verb, "--artefact", s.path("phase2/" + artefactName), "--identity-file", s.path("age.key")}, more...)
}

// configs are where kubeconfig and talosconfig go.
func (s *stage) configs() []string {
	return []string{"--kubeconfig", s.path("phase2/kubeconfig"), "--talosconfig", s.path("phase2/talosconfig")}
}

func (s *stage) machines(ctx context.Context) error {
	if err := s.clusterYAML(five()); err != nil {
		return err
	}
	_, err := s.pave(ctx, s.windows, s.vms("apply")...)
	return err
}

// cross copies the artefact, and makes sure that it is needed.
func (s *stage) cross(context.Context) error {
	reached := errors.New("the cluster's network reaches vCenter")
	err := <-s.linux.inside(func() error {
		if connects(s.vcenter.Host) {
			return reached
		}
		return nil
	})
	if err != nil {
		return err
	}
	content, err := os.ReadFile(s.path("phase1/" + artefactName))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: %d bytes, addresses in clear, secrets sealed with age\n", artefactName, len(content))
	return os.WriteFile(s.path("phase2/"+artefactName), content, 0o600)
}

// connects tells whether an IPv4 address and port can be connected to, on the
// thread that asks: Go's own dialling may use another.
func connects(address string) bool {
	a, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return false
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	to := &unix.SockaddrInet4{Port: a.Port}
	copy(to.Addr[:], a.IP.To4())
	return unix.Connect(fd, to) == nil
}

func (s *stage) form(ctx context.Context) error {
	if _, err := s.pave(ctx, s.linux, s.later("cluster", s.configs()...)...); err != nil {
		return err
	}
	return s.status(ctx, len(five()))
}

// status shows the table, and checks that all is well.
func (s *stage) status(ctx context.Context, nodes int) error {
	said, err := s.pave(ctx, s.linux, s.later("status")...)
	if err != nil {
		return err
	}
	if got := strings.Count(said, " Ready "); got != nodes || !strings.Contains(said, "etcd has 3 members") {
		return fmt.Errorf("%d of %d nodes are ready:\n%s", got, nodes, said)
	}
	return nil
}

func (s *stage) again(ctx context.Context) error {
	before, err := s.files()
	if err != nil {
		return err
	}
	if _, err := s.pave(ctx, s.windows, s.vms("apply")...); err != nil {
		return err
	}
	said, err := s.pave(ctx, s.linux, s.later("cluster", s.configs()...)...)
	if err != nil {
		return err
	}
	after, err := s.files()
	switch {
	case err != nil:
		return err
	case !strings.Contains(said, "nothing changed"):
		return errors.New("the second run of phase 2 changed something")
	case before != after:
		return errors.New("the second run wrote other files")
	}
	return nil
}

// files are all that the phases have written.
func (s *stage) files() (string, error) {
	var all strings.Builder
	for _, name := range []string{"phase1/" + artefactName, "phase2/kubeconfig", "phase2/talosconfig"} {
		content, err := os.ReadFile(s.path(name))
		if err != nil {
			return "", err
		}
		all.Write(content)
	}
	return all.String(), nil
}

func (s *stage) snapshot(ctx context.Context) error {
	_, err := s.pave(ctx, s.linux, s.later("etcd-snapshot", "--output-dir", s.path("phase2/backups"), "--keep", "7")...)
	return err
}

func (s *stage) grow(ctx context.Context) error {
	if err := s.clusterYAML(append(five(), sixth)); err != nil {
		return err
	}
	if _, err := s.pave(ctx, s.windows, s.vms("apply")...); err != nil {
		return err
	}
	if err := s.cross(ctx); err != nil {
		return err
	}
	if _, err := s.pave(ctx, s.linux, s.later("cluster", s.configs()...)...); err != nil {
		return err
	}
	return s.status(ctx, len(five())+1)
}

func (s *stage) lose(ctx context.Context) error {
	if _, err := s.pave(ctx, s.windows, s.vms("destroy", "--confirm", clusterName)...); err != nil {
		return err
	}
	if _, err := s.pave(ctx, s.windows, s.vms("apply")...); err != nil {
		return err
	}
	return s.cross(ctx)
}

func (s *stage) recover(ctx context.Context) error {
	found, err := filepath.Glob(s.path("phase2/backups/*.snapshot"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("snapshots: %v, %w", found, err)
	}
	args := append(s.later("recover", "--snapshot", found[0], "--confirm", clusterName), s.configs()...)
	if _, err := s.pave(ctx, s.linux, args...); err != nil {
		return err
	}
	return s.status(ctx, len(five())+1)
}

func (s *stage) destroy(ctx context.Context) error {
	_, err := s.pave(ctx, s.windows, s.vms("destroy", "--confirm", clusterName)...)
	return err
}
