package talos

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Machine is a machine as its hypervisor has it: a file NAME.json in a folder.
type Machine struct {
	ID      string `json:"id"` // another one is another machine, with an empty disk
	Address string `json:"address"`
	Config  []byte `json:"config"` // machine config, as in guestinfo
}

// Follow keeps the machines of the world as those in the folder, until ctx ends:
// one that appears is powered on, one that goes is gone with its disk. Files are
// written beside their place and renamed, or not at all.
func (w *World) Follow(ctx context.Context, dir string) error {
	have := map[string]string{} // by name: the ID
	for {
		want, err := machines(dir)
		if err != nil {
			return err
		}
		for name, id := range have {
			if want[name].ID != id {
				w.o.Log.Info("machine is gone", "machine", name)
				w.Remove(name)
				delete(have, name)
			}
		}
		for name, m := range want {
			if _, there := have[name]; there {
				continue
			}
			w.o.Log.Info("machine is powered on", "machine", name, "address", m.Address)
			if _, err := w.Add(NodeOptions{Name: name, Address: m.Address, Config: m.Config}); err != nil {
				return err
			}
			have[name] = m.ID
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(w.o.Step, followEvery)):
		}
	}
}

const followEvery = 50 * time.Millisecond

func machines(dir string) (map[string]Machine, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := map[string]Machine{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || strings.HasPrefix(name, ".") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue // it went meanwhile
		}
		if err != nil {
			return nil, err
		}
		var m Machine
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, errors.New(e.Name() + " is no machine") // the cause could quote a secret
		}
		all[name] = m
	}
	return all, nil
}
