package vms

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// ova is an .ova file whose checksum was verified. Its parts are read from where
// they are in the file, so that its size takes no memory.
type ova struct {
	file       *os.File
	parts      map[string]part // by name in the archive
	descriptor []byte          // the .ovf
	temporary  bool
}

type part struct{ offset, size int64 }

// maxDescriptor is far more than an OVF descriptor has.
const maxDescriptor = 4 << 20

// openOVA gives the file that cluster.yaml names, verified, or nil where it names
// something in vCenter.
func (r *run) openOVA(ctx context.Context) (*ova, error) {
	o := r.Cluster.Spec.OVA
	var a *ova
	var err error
	switch {
	case o.File != "":
		a = &ova{}
		if a.file, err = os.Open(r.Cluster.Path(o.File)); err != nil {
			return nil, fault.Inputf("spec.ova.file: %w", err)
		}
	case o.URL != "":
		if a, err = r.download(ctx, string(o.URL)); err != nil {
			return nil, interrupted(ctx, err)
		}
	default:
		return nil, nil
	}
	r.Log.Info("checking the image", "from", r.imageSource())
	if err := a.verify(ctx, string(o.SHA256), r.imageSource()); err != nil {
		a.close()
		return nil, interrupted(ctx, err)
	}
	if err := a.index(); err != nil {
		a.close()
		return nil, fault.Inputf("%s is not an OVA: %w", r.imageSource(), err)
	}
	return a, nil
}

// download fetches the file to the disk: only what was verified is used.
func (r *run) download(ctx context.Context, url string) (*ova, error) {
	trusted, err := registry.TLSConfig(r.CAFile)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fault.Inputf("spec.ova.url: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = trusted
	defer transport.CloseIdleConnections()
	r.Log.Info("downloading the image", "from", url)
	client := &http.Client{Transport: transport}
	response, err := client.Do(request)
	if err != nil {
		return nil, fault.Failedf("spec.ova.url: %w", err).Fix("check the address, and the CA if it is a private one")
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fault.Failedf("spec.ova.url: %s answers %s", url, response.Status)
	}
	file, err := os.CreateTemp("", "pave-*.ova")
	if err != nil {
		return nil, fault.Failedf("spec.ova.url: %w", err)
	}
	a := &ova{file: file, temporary: true}
	all := response.ContentLength >> 20
	progress := &progress{say: func(n int64) {
		r.Log.Info("downloading the image", "megabytes", n>>20, "of", all)
	}}
	if _, err := io.Copy(io.MultiWriter(file, progress), response.Body); err != nil {
		a.close()
		return nil, fault.Failedf("spec.ova.url: %w", err).Fix("run it again")
	}
	return a, nil
}

// verify compares the file with the checksum in cluster.yaml.
func (a *ova) verify(ctx context.Context, want, source string) error {
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return fault.Failedf("%s: %w", source, err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, withContext(ctx, a.file)); err != nil {
		return fault.Failedf("%s: %w", source, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fault.Inputf("%s has the SHA-256 %s, spec.ova.sha256 is %s", source, got, want).
			Fix("get the file again from where its checksum is published, or correct cluster.yaml if that is a new version")
	}
	return nil
}

// index finds the parts.
func (a *ova) index() error {
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	a.parts = map[string]part{}
	for r := tar.NewReader(a.file); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		offset, err := a.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		a.parts[path.Base(header.Name)] = part{offset, header.Size}
		if strings.EqualFold(path.Ext(header.Name), ".ovf") {
			if header.Size > maxDescriptor {
				return fmt.Errorf("its descriptor has %d bytes", header.Size)
			}
			if a.descriptor, err = io.ReadAll(r); err != nil {
				return err
			}
		}
	}
	if len(a.descriptor) == 0 {
		return errors.New("it has no .ovf")
	}
	return nil
}

// open gives a part.
func (a *ova) open(ctx context.Context, name string) (io.Reader, int64, error) {
	p, ok := a.parts[path.Base(name)]
	if !ok {
		return nil, 0, fault.Inputf("the OVA has no %s, which its descriptor names", name)
	}
	return withContext(ctx, io.NewSectionReader(a.file, p.offset, p.size)), p.size, nil
}

func (a *ova) close() {
	_ = a.file.Close()
	if a.temporary {
		_ = os.Remove(a.file.Name())
	}
}

// withContext makes a reader end with its context.
func withContext(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// progress says every few seconds how far something is.
type progress struct {
	say   func(n int64)
	n     int64
	again time.Time
}

// often is how seldom a line about the same thing appears.
const often = 5 * time.Second

// Write implements io.Writer.
func (p *progress) Write(b []byte) (int, error) {
	p.n += int64(len(b))
	if now := time.Now(); now.After(p.again) {
		if !p.again.IsZero() {
			p.say(p.n)
		}
		p.again = now.Add(often)
	}
	return len(b), nil
}
