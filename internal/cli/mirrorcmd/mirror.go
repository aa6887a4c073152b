// Package mirrorcmd has the verbs of pave mirror, for pave and for pave-mirror.
package mirrorcmd

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/harbor"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// Tools are what a mirror needs of pave's other steps. A program without them
// gives nil: its commands end with ErrElsewhere, before anything is written, where
// something would have to be scanned, signed or verified.
type Tools interface {
	Scanner(cli.Scan) (mirror.Scan, error)
	Signer(cli.Signing, registry.Options) mirror.Sign
	Verify(ctx context.Context, sources registry.Options, ref string, by mirror.Publisher) (identity string, err error)
}

// ErrElsewhere is the error of a command that takes Tools that are not there.
var ErrElsewhere = errors.New("there is no scanner and no signer in this program")

// Command brings approved content from public registries to the platform's.
func Command(a *cli.App, tools Tools) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mirror",
		Short: "Approved images, charts and databases from public registries, in your own",
		Long: `Approved images, charts and databases from public registries, in your own.

images.yaml says what is wanted, images.lock.yaml beside it which content of it
was approved. plan shows what is different upstream, approve writes the lock, run
copies what the lock names and the target does not have, and signs it. A tag that
moves upstream is shown, never followed.

Logins at the sources are those of the Docker configuration file (DOCKER_CONFIG);
--registry-username is for the target's registry only.`,
	}
	cmd.AddCommand(
		approveCommand(a, tools),
		exportCommand(a, tools),
		importCommand(a, tools),
		planCommand(a, tools),
		runCommand(a, tools),
		cli.Schema(a, "images.yaml", imagelist.SchemaURL, imagelist.Schema),
		statusCommand(a),
	)
	return cmd
}

// mirrorFlags are those of every verb that reads the list.
type mirrorFlags struct {
	common mirror.Common
	scan   cli.Scan
	noScan bool
}

func (m *mirrorFlags) add(f *pflag.FlagSet) {
	f.StringVar(&m.common.List, "list", "images.yaml", "what is mirrored")
	f.StringVar(&m.common.Lock, "lock", "", "what was approved (default: images.lock.yaml beside the list)")
	f.StringVar(&m.common.Target, "target", "", "registry/project to mirror to (default: the list's)")
}

// addScan adds the flags of the gate; they hold those of the registry too.
func (m *mirrorFlags) addScan(f *pflag.FlagSet) {
	m.scan.Add(f)
	f.BoolVar(&m.noScan, "no-scan", false, "scan nothing: only the lock and signatures decide")
	for _, name := range []string{"max-critical", "max-high", "max-medium", "max-low", "max-unknown"} {
		f.Lookup(name).Usage += "; limits in the list go first"
	}
}

// options gives what every verb needs. The sources get the CA and no login of the
// target's.
func (m *mirrorFlags) options(a *cli.App, target registry.Options) mirror.Common {
	c := m.common
	c.Registry, c.Sources, c.Log = target, registry.Options{CAFile: target.CAFile}, a.Log
	return c
}

// scanner lets the step that scans images serve the one that mirrors them.
func (m *mirrorFlags) scanner(tools Tools) (mirror.Scan, error) {
	switch {
	case m.noScan:
		return nil, nil
	case tools == nil:
		return nil, ErrElsewhere
	}
	return tools.Scanner(m.scan)
}

// keyFlags are the platform's key and the shape of its signatures.
type keyFlags struct {
	signing cli.Signing
	noSign  bool
}

func (k *keyFlags) add(f *pflag.FlagSet) {
	k.signing.Add(f)
	f.Lookup("legacy").Usage = "write cosign's .sig tags instead of bundles"
	f.BoolVar(&k.noSign, "no-sign", false, "sign nothing")
}

// check tells at once that there is no key, so that nothing is copied in vain.
func (k *keyFlags) check() error {
	if k.noSign || !k.signing.PEM.IsZero() || k.signing.KMS.Name != "" {
		return nil
	}
	return fault.Inputf("no signing key is given").Fix("give --key-file, --key-env or --kms hashivault://NAME, or --no-sign")
}

// signer lets the step that signs images serve the one that mirrors them.
func (k *keyFlags) signer(tools Tools, target registry.Options, dryRun bool) (mirror.Sign, error) {
	switch {
	case k.noSign || dryRun:
		return nil, nil
	case tools == nil:
		return nil, ErrElsewhere
	}
	return tools.Signer(k.signing, target), k.check()
}

// harborFlags are the login at Harbor's API.
type harborFlags struct{ options harbor.Options }

func (h *harborFlags) add(f *pflag.FlagSet) {
	f.StringVar(&h.options.Username, "harbor-username", "", "user or robot at Harbor's API: makes the project if it is missing, and tells what its rules mean (default: the API is not used)")
	cli.SecretFlags(f, &h.options.Password, "harbor-token", "the password or token at Harbor's API")
	f.StringVar(&h.options.URL, "harbor-url", "", "Harbor's address (default: https:// and the target's registry)")
}

// get is nil where Harbor's API is not to be used.
func (h *harborFlags) get(target registry.Options) *harbor.Options {
	if h.options.Username == "" && h.options.Password.IsZero() {
		return nil
	}
	o := h.options
	o.CAFile = target.CAFile
	return &o
}
