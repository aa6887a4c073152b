package mirrorcmd

import (
	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/steps/mirror"
)

func exportCommand(a *cli.App, tools Tools) *cobra.Command {
	var m mirrorFlags
	var o mirror.ExportOptions
	cmd := &cobra.Command{
		Use:   "export --archive mirror.tar",
		Short: "Write what was approved into one OCI layout, for the other side of an air gap",
		Long: `Write what was approved into one OCI layout, for the other side of an air gap.

Every digest is verified while it is written. What exceeds the limits is left out
and listed, exit code 3. With --have, the inventory that an import or a status
wrote on the other side, the archive holds only what is missing there.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "archive"); err != nil {
				return err
			}
			o.Common, o.Progress = m.options(a, m.scan.Registry), a.TransferProgress()
			var err error
			if !o.FromTarget {
				if o.Scan, err = m.scanner(tools); err != nil {
					return err
				}
			}
			r, err := mirror.Export(cmd.Context(), o)
			return a.EmitEven(r, err == nil || r.Digest != "", err)
		},
	}
	f := cmd.Flags()
	m.add(f)
	m.addScan(f)
	f.StringVar(&o.Archive, "archive", "", "tar file to write")
	f.StringVar(&o.Have, "have", "", "inventory of the other side: what it has is left out")
	f.BoolVar(&o.FromTarget, "from-target", false, "read what is mirrored already, with its signatures, instead of the sources")
	return cmd
}

func importCommand(a *cli.App, tools Tools) *cobra.Command {
	var m mirrorFlags
	var k keyFlags
	var h harborFlags
	var o mirror.ImportOptions
	cmd := &cobra.Command{
		Use:   "import --archive mirror.tar --key-file cosign.key",
		Short: "Bring an archive of pave mirror export to the target, and sign it",
		Long: `Bring an archive of pave mirror export to the target, and sign it.

The archive is verified before anything is sent. If it holds anything that the lock
here does not approve, nothing is, exit code 3. An import that was cut off is
finished by running it again.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "archive"); err != nil {
				return err
			}
			o.Common = m.options(a, m.scan.Registry)
			o.Harbor, o.Progress = h.get(m.scan.Registry), a.TransferProgress()
			var err error
			if o.Sign, err = k.signer(tools, m.scan.Registry, o.DryRun); err != nil {
				return err
			}
			return a.Finish(mirror.Import(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	m.add(f)
	cli.RegistryFlags(f, &m.scan.Registry)
	k.add(f)
	h.add(f)
	f.StringVar(&o.Archive, "archive", "", "tar file that pave mirror export wrote")
	f.StringVar(&o.Digest, "digest", "", "digest that the export gave, if it came by another way")
	f.StringVar(&o.Inventory, "inventory", "", "file to which what the target has now is added, for --have of the next export")
	f.BoolVar(&o.DryRun, "dry-run", false, "verify and compare, and write nothing")
	return cmd
}
