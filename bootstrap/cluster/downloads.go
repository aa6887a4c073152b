package cluster

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"filippo.io/age"

	"github.com/pave-platform/pave/bootstrap/fleet"
	"github.com/pave-platform/pave/internal/downloads"
	"github.com/pave-platform/pave/internal/fault"
)

// Downloads are the Downloads of a Bitbucket repository, which everybody who can
// read the repository can read: what goes there is sealed with age.
type Downloads struct {
	downloads.Options
	Recipients []string // age; empty: the artefact's
	Unsealed   bool     // put the files there in clear
}

// check finds what is wrong before anything is done.
func (d Downloads) check() error {
	if d.IsZero() {
		return nil
	}
	if d.Unsealed && len(d.Recipients) > 0 {
		return fault.Inputf("Downloads are to be unsealed and sealed for %d recipients", len(d.Recipients)).Fix("give one of the two")
	}
	if _, err := recipients(d.Recipients); len(d.Recipients) > 0 && err != nil {
		return err
	}
	_, err := downloads.New(d.Options)
	return err
}

func recipients(list []string) ([]age.Recipient, error) {
	r, err := age.ParseRecipients(strings.NewReader(strings.Join(list, "\n")))
	if err != nil {
		return nil, fault.Inputf("recipients: %w", err).Fix("give age recipients, as in age1…")
	}
	return r, nil
}

// upload puts both configs there, if they are new or not there, and gives the
// names that it put.
func (d Downloads) upload(ctx context.Context, f *fleet.Fleet, c fleet.Configs) ([]string, error) {
	names := []string{}
	if d.IsZero() {
		return names, nil
	}
	client, err := downloads.New(d.Options)
	if err != nil {
		return names, err
	}
	there, err := client.List(ctx)
	if err != nil {
		return names, err
	}
	for _, file := range []struct {
		name    string
		content []byte
		kept    bool
	}{{"kubeconfig", c.Kubeconfig, c.KubeconfigKept}, {"talosconfig", c.Talosconfig, c.TalosconfigKept}} {
		name, content := f.Artefact.Cluster.Name+"-"+file.name, file.content
		if !d.Unsealed {
			name += ".age"
			if content, err = d.seal(f, content); err != nil {
				return names, err
			}
		}
		if _, is := there[name]; is && file.kept {
			continue
		}
		f.Log.Info("uploading", "file", name, "repository", d.Workspace+"/"+d.Repository)
		if err := client.Put(ctx, name, content); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

func (d Downloads) seal(f *fleet.Fleet, content []byte) ([]byte, error) {
	list := d.Recipients
	if len(list) == 0 {
		list = f.Artefact.Recipients
	}
	to, err := recipients(list)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err == nil {
		_, err = w.Write(content)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return nil, fault.Failedf("sealing: %w", err)
	}
	return b.Bytes(), nil
}
