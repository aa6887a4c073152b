package gittest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSHServer serves one bare repository over ssh.
type SSHServer struct {
	URL            string
	KeyFile        string // the private key that it lets in
	OtherKeyFile   string // one that it does not
	KnownHostsFile string // has its host key
	Repository
	config *ssh.ServerConfig
}

// StartSSH serves a new, empty repository until the test ends. The branches in
// protect take no pushes once they exist.
func StartSSH(t testing.TB, protect ...string) *SSHServer {
	t.Helper()
	s := &SSHServer{Repository: Create(t, protect...)}
	dir := t.TempDir()
	s.KeyFile, s.OtherKeyFile = filepath.Join(dir, "id_ed25519"), filepath.Join(dir, "id_other")
	s.KnownHostsFile = filepath.Join(dir, "known_hosts")
	client, host := newKey(t, s.KeyFile), newKey(t, filepath.Join(dir, "host"))
	newKey(t, s.OtherKeyFile)
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.PublicKey().Marshal()) {
			return nil, io.EOF
		}
		return nil, nil
	}}
	s.config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	write(t, s.KnownHostsFile, []byte(knownhosts.Line([]string{address}, host.PublicKey())+"\n"))
	s.URL = "ssh://git@" + address + s.Dir
	var running sync.WaitGroup
	running.Go(func() { s.accept(listener, &running) })
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return s
}

// newKey writes a new private key to path.
func newKey(t testing.TB, path string) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, pem.EncodeToMemory(block))
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func (s *SSHServer) accept(listener net.Listener, running *sync.WaitGroup) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		running.Go(func() { s.serve(conn) })
	}
}

// serve is one connection.
func (s *SSHServer) serve(conn net.Conn) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		for r := range requests {
			if r.Type != "exec" {
				_ = r.Reply(false, nil)
				continue
			}
			_ = r.Reply(true, nil)
			s.exec(channel, r.Payload)
			break
		}
		_ = channel.Close()
	}
}

// exec runs one of Git's two programs, on the one repository.
func (s *SSHServer) exec(channel ssh.Channel, payload []byte) {
	var request struct{ Command string }
	if ssh.Unmarshal(payload, &request) != nil {
		return
	}
	program, path, _ := strings.Cut(request.Command, " ")
	status := struct{ Code uint32 }{128}
	switch {
	case program != "git-upload-pack" && program != "git-receive-pack":
		_, _ = io.WriteString(channel.Stderr(), "not allowed\n")
	case strings.Trim(path, "'") != s.Dir:
		_, _ = io.WriteString(channel.Stderr(), "'"+path+"' does not appear to be a git repository\n")
	default:
		cmd := exec.Command("git", strings.TrimPrefix(program, "git-"), s.Dir)
		cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
		stdin, err := cmd.StdinPipe() // with cmd.Stdin, Wait would wait for the client to close its side
		if err != nil || cmd.Start() != nil {
			break
		}
		go func() {
			_, _ = io.Copy(stdin, channel)
			_ = stdin.Close()
		}()
		if cmd.Wait() == nil {
			status.Code = 0
		}
	}
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
}
