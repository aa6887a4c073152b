package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pave-platform/pave/internal/buildcache"
)

// status is what `status` tells; it is also its JSON document.
type status struct {
	Name         string    `json:"name"`
	Answers      bool      `json:"answers"`
	Docker       bool      `json:"docker"` // Dagger's own engine, in Docker
	Version      string    `json:"version,omitempty"`
	PID          int       `json:"pid,omitempty"`
	Started      time.Time `json:"started,omitzero"`
	Address      string    `json:"address,omitempty"`
	BuilderImage string    `json:"builderImage,omitempty"`
	Network      string    `json:"network,omitempty"`
	State        string    `json:"state,omitempty"`
	StateBytes   int64     `json:"stateBytes"`
	Problem      string    `json:"problem,omitempty"`
}

// statusOf finds out about one instance.
func statusOf(ctx context.Context, c *buildcache.Cache, i instance) (status, error) {
	s := status{Name: i.name}
	r, err := i.running()
	if err != nil {
		return s, err
	}
	if r == nil {
		return statusInDocker(ctx, c, i, s), nil
	}
	s.Version, s.PID, s.Started, s.Address = r.Version, r.Process.PID, r.Started, i.address()
	s.Network, s.State, s.BuilderImage = r.Network.CIDR, r.State, "docker.io/"+BuilderImage
	if s.StateBytes, err = diskUsage(r.State); err != nil {
		return s, err
	}
	s.answer(probe(ctx, r.Parts.CLI, s.Address))
	return s, nil
}

func statusInDocker(ctx context.Context, c *buildcache.Cache, i instance, s status) status {
	if s.Docker = i.mayBeDockers(ctx); !s.Docker {
		s.Problem = "it does not run"
		return s
	}
	s.Version = DaggerVersion
	cli, err := dockerCLI(ctx, c)
	if err == nil {
		err = probe(ctx, cli, "")
	}
	s.answer(err)
	return s
}

func (s *status) answer(err error) {
	s.Answers = err == nil
	if err != nil {
		s.Problem = err.Error()
	}
}

func (s status) write(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	where := s.Address
	if s.Docker {
		where = "in Docker"
	}
	if !s.Answers {
		_, err := fmt.Fprintf(w, "engine %s does not answer: %s\n", s.Name, s.Problem)
		return err
	}
	_, err := fmt.Fprintf(w, "engine %s: Dagger %s answers %s\n", s.Name, s.Version, where)
	if err != nil || s.Docker {
		return err
	}
	_, err = fmt.Fprintf(w, "  process  %d, since %s\n  network  %s\n  builder  %s\n  state    %s, %d MB\n",
		s.PID, s.Started.Format(time.DateTime), s.Network, s.BuilderImage, s.State, s.StateBytes/1e6)
	return err
}

// diskUsage gives the bytes that a folder takes on disk, hard links once. Files
// that go meanwhile are left out.
func diskUsage(dir string) (int64, error) {
	var total int64
	seen := map[uint64]bool{}
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		var info os.FileInfo
		if err == nil {
			info, err = e.Info()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || stat.Nlink > 1 && !e.IsDir() && seen[stat.Ino] {
			return nil
		}
		if stat.Nlink > 1 && !e.IsDir() {
			seen[stat.Ino] = true
		}
		total += stat.Blocks * 512
		return nil
	})
	return total, err
}
